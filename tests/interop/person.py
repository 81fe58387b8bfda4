"""The person at the browser: signs in, answers what is asked, and ends up back at the client."""

from __future__ import annotations

from lab import Browser, LabError, Page, User

from interop.world import World


def browser(world: World, until: str) -> Browser:
    """A browser of the world's that stops where the client takes over."""
    return Browser(world.tls, until=until)


def _answer(browser: Browser, url: str, user: User, yes: bool, user_code: str = "") -> Page:
    """Signs in, types the code and decides, as the pages ask for it; the page that asks for nothing more."""
    page = browser.open(url)
    for _ in range(5):
        if 'name="password"' in page.text:
            fields = {"email": user.email, "password": user.password}
            page = browser.submit(page, page.form("password"), fields)
        elif 'name="decision"' in page.text:
            form = page.form("decision")
            said = next(value for value in form.buttons["decision"] if (value != "deny") == yes)
            page = browser.submit(page, form, {"decision": said})
        elif 'name="user_code"' in page.text:
            page = browser.submit(page, page.form("user_code"), {"user_code": user_code})
        else:
            break
    return page


def come_back(browser: Browser, url: str, user: User, yes: bool = True) -> str:
    """Opens `url`, signs in and answers the consent page, if shown; the URL that leads back to the client."""
    page = _answer(browser, url, user, yes)
    if page.url.split("?")[0] == browser.until:
        return page.url
    raise LabError(f"{page.url} ({page.status}) leads nowhere:\n{page.text[:2000]}")


def approve_device(world: World, verification_uri: str, user_code: str) -> None:
    """Types the code at the other device, signs in and says yes."""
    with Browser(world.tls) as other:
        page = _answer(other, verification_uri, world.user, True, user_code)
        if page.status != 200:
            raise LabError(f"{page.url} ({page.status}):\n{page.text[:2000]}")
