"""Small files of every format, made by encoders that are not ours (Pillow, FFmpeg's libraries)."""

import io
import math
import struct
import wave

import av
from PIL import Image, ImageDraw


def picture(format: str = "PNG", width: int = 64, height: int = 48, **options) -> bytes:
    """A gradient with a dot; `options` go to Pillow's save()."""
    image = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    ImageDraw.Draw(image).ellipse((2, 2, min(9, width - 1), min(9, height - 1)), fill="red")
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def turned_jpeg(width: int = 64, height: int = 48) -> bytes:
    """A JPEG that viewers turn by a quarter, as phones make them."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return picture("JPEG", width, height, exif=exif)


def animation(format: str, width: int = 64, height: int = 48) -> bytes:
    frames = [Image.new("RGB", (width, height), colour) for colour in ("red", "green", "blue")]
    out = io.BytesIO()
    frames[0].save(out, format, save_all=True, append_images=frames[1:], duration=100)
    return out.getvalue()


def tone(seconds: float = 1.0, rate: int = 8000, pitch: float = 440.0) -> bytes:
    """A WAV, 16 bits, one channel."""
    count = round(seconds * rate)
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        values = (round(9000 * math.sin(2 * math.pi * pitch * i / rate)) for i in range(count))
        file.writeframes(struct.pack(f"<{count}h", *values))
    return out.getvalue()


def sound(container: str, codec: str, seconds: float = 1.0, rate: int = 48000) -> bytes:
    """A tone by FFmpeg: sound("mp3", "libmp3lame"), sound("ipod", "aac"), …"""
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        stream = file.add_stream(codec, rate=rate)
        stream.layout = "mono"
        _encode_tone(file, stream, seconds, rate)
    return out.getvalue()


def film(
    container: str = "webm",
    codec: str = "libvpx",
    width: int = 64,
    height: int = 48,
    seconds: float = 1.0,
    fps: int = 10,
) -> bytes:
    """Moving grey; silent."""
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        stream = file.add_stream(codec, rate=fps)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(round(seconds * fps)):
            image = Image.new("RGB", (width, height), (20 * number % 255,) * 3)
            for packet in stream.encode(av.VideoFrame.from_image(image)):
                file.mux(packet)
        for packet in stream.encode():
            file.mux(packet)
    return out.getvalue()


def _encode_tone(file, stream, seconds: float, rate: int) -> None:
    resampler = av.AudioResampler(stream.format, "mono", rate, stream.frame_size or 1024)
    pcm = tone(seconds, rate)[44:]
    frame = av.AudioFrame(format="s16", layout="mono", samples=len(pcm) // 2)
    frame.planes[0].update(pcm)
    frame.sample_rate, frame.pts = rate, 0
    for part in [*resampler.resample(frame), *resampler.resample(None)]:
        for packet in stream.encode(part):
            file.mux(packet)
    for packet in stream.encode():
        file.mux(packet)
