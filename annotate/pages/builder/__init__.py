"""What the project's form asks, put together on the page: controls, preview, presets, versions.

`schema` tells which control each setting of each kind gets, from the dataclasses of settings;
`asked` holds the questions on their way between the store, the page and its JSON; `controls` draws
them; `samples` and `preview` show the work page as it will be.
"""
