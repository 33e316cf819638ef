"""Reading the work page as a browser without scripts does."""

import re

JSON = {"Accept": "application/json"}


def form_of(html: str) -> tuple[str, list[str]]:
    """Where the answer goes, and the answers offered, as a browser reads them."""
    action = re.search(r'id="answer" method="post" action="([^"]+)"', html)[1]
    return action, re.findall(r'name="answer" value="([^"]+)"', html)


def open_page(client, url: str) -> tuple[str, list[str]]:
    response = client.get(url)
    assert response.status_code == 200
    return form_of(response.content.decode())
