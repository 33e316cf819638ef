"""Images, sound, video, code and tables: checked as they come in, kept, shown.

`checks` says what a file really is, `storage` keeps the bytes, `serving` hands them to members,
`references` turns what an import names into parts, `rendering` turns parts into HTML.
"""
