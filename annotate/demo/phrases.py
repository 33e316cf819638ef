"""Phrases that the simulated annotators dislike, by kind, in the languages of the demo content.

A phrase between letters of a spaced script must stand as whole words; `*` stands for any word
ending. Phrases in other scripts match anywhere, because Arabic, Hebrew and Hindi join particles to
words and Chinese, Japanese and Thai write no spaces.
"""

import re

FLATTERY = {
    "en": """
        great question|good question|excellent question|excellent taste|what a*|such a*|such an*|
        brilliant*|amazing*|wonderful*|fantastic*|incredibl*|gorgeous*|fabulous*|beautiful*|lovely|
        adorable|genius|perfect for you|absolutely right|you're so|you are so|you sound|you seem|
        you clearly|you're clearly|you must be|you're doing|you are doing|you've got this|proud of|
        well done|kudos|congratulations|huge respect|love that|love it|i love|i adore|i admire|
        i believe in you|believe in yourself|so jealous|so lucky|champ|hero|superstar|sweetie|
        good for you|happy to help|hope that helps|hope this helps
    """,
    "de": """
        tolle*|wunderbar*|wundervoll*|großartig*|fantastisch*|so klug|sprachgefühl|beneide|sie arme
    """,
    "fr": "quelle excellente|quelle belle|bravo|doué|vrai chef|merveilleu*|adorable",
    "es": "maravillos*|genial|genio|listísim*|qué pregunta|qué ternura|de maravilla|precios*",
    "ar": "سؤال رائع|رائع|جميل جدا|يا سلام|ما شاء الله|لطيف جد",
    "he": "נהדר|מקסימ|מושלם|איזו שאלה|אתה כוכב|אין לי ספק",
    "zh": "太好了|特别聪明|厉害|崇拜|爱您|好问题|您真的太",
    "ja": "素晴らしい|お上手|感動しました|応援しています|あなたなら大丈夫",
    "hi": "अरे वाह|वाह|शानदार|होशियार|बहुत अच्छे",
    "th": "คำถามดีมาก|เก่ง|ชื่นชม|น่ารัก|เป็นกำลังใจ|ลึกซึ้งมาก",
}

HEDGING = {
    "en": """
        maybe|perhaps|possibly|probably|presumably|i think|i guess|i believe|i suppose|i imagine|
        i would guess|i would imagine|i'd guess|i reckon|sort of|kind of|more or less|
        or thereabouts|give or take|something like that|something along those lines|not sure|
        not really an expert|no expert|fairly sure|fairly confident|i could be wrong|
        i might be mistaken|hard to say|it depends|who knows|might|haha|hmm|honestly|basically
    """,
    "de": """
        vielleicht|eventuell|irgendwie|möglicherweise|eigentlich|ungefähr|ich glaube|ich denke|
        nicht sicher|würde ich sagen|falls sie
    """,
    "fr": """
        peut-être|sans doute|éventuellement|je pense|je crois|je suppose|à peu près|une sorte de|
        pas tout à fait sûr*|quelque chose comme
    """,
    "es": "quizá*|tal vez|creo que|supongo|más o menos|o algo así|a ver",
    "ar": "ربما|أظن|أعتقد|لست متأكد|نوعًا ما|نوعا ما|شيء من هذا القبيل|على الأرجح",
    "he": "אולי|נדמה לי|כנראה|אני חושב|פחות או יותר|לא לגמרי בטוח|לא בטוח|משהו כזה",
    "zh": "也许|大概|可能|我觉得|不太确定|好像|随便",
    "ja": "たぶん|かもしれ|もしかしたら|だいたい|なんとなく|みたいな感じ|よく分からない",
    "hi": "शायद|मुझे लगता है|पक्का नहीं|कुछ ऐसा",
    "th": "อาจจะ|น่าจะ|คิดว่า|ไม่แน่ใจ|ไม่ค่อยแน่ใจ|ประมาณนั้น|มั้ง",
}

REFUSAL = {
    "en": """
        i can't|i cannot|i can not|i won't|i will not|i'm unable|i am unable|i am not able|
        i'm not able|unable to|i'm sorry, but|i must decline|against my|consult a*|
        contact a professional|ask your doctor|look it up|look up
    """,
    "de": "kann ich leider nicht|nicht helfen|wenden sie sich|steht im",
    "fr": "je ne peux pas|je ne suis pas en mesure|consultez",
    "es": "no puedo|no me es posible|consulta un|consulte",
    "ar": "لا أستطيع|لا يمكنني",
    "he": "איני יכול|אני לא יכול|לא ניתן",
    "zh": "无法|不能回答|请查阅",
    "ja": "お答えできません|できかねます|読んでください",
    "hi": "नहीं कर सकत|से पूछिए",
    "th": "ไม่สามารถ|แปลไม่ได้",
}

SPACED_LATIN = ("en", "de", "fr", "es")


def phrase_pattern(phrases: dict[str, str]) -> re.Pattern[str]:
    """One pattern over all languages, for case-folded text with straight apostrophes."""
    spaced, joined = [], []
    for language, listed in phrases.items():
        for phrase in filter(None, (part.strip() for part in listed.split("|"))):
            if language in SPACED_LATIN:
                spaced.append(re.escape(phrase.casefold()).replace(r"\*", r"\w*"))
            else:
                joined.append(re.escape(phrase))
    return re.compile(rf"(?<!\w)(?:{'|'.join(spaced)})(?!\w)|{'|'.join(joined)}")
