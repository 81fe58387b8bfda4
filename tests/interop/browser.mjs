// As much of a browser as pages without scripts need: cookies, redirects and forms. It stops where the
// client takes over: at the redirect URI, by GET or by a posted form.

/** The forms of a page: where each goes, how, and its fields as they stand. */
function forms(html) {
  const plain = (text) =>
    text
      .replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)))
      .replace(/&#x([0-9a-f]+);/gi, (_, code) => String.fromCodePoint(Number.parseInt(code, 16)))
      .replaceAll("&lt;", "<")
      .replaceAll("&gt;", ">")
      .replaceAll("&quot;", '"')
      .replaceAll("&amp;", "&");
  const attributes = (tag) =>
    Object.fromEntries([...tag.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, name, value]) => [name, plain(value)]));
  const found = [];
  for (const [tag, name] of html.matchAll(/<(form|input|button)\b[^>]*>/g)) {
    const { action = "", method = "get", ...rest } = attributes(tag);
    const form = found.at(-1);
    if (name === "form") found.push({ action, method: method.toUpperCase(), fields: {}, choices: [] });
    else if (name === "button" && form && rest.name) form.choices.push([rest.name, rest.value ?? ""]);
    else if (name === "input" && form && rest.name) form.fields[rest.name] = rest.value ?? "";
  }
  return found;
}

/** A page that was opened, or the way back to the client (`back`: a URL or a posted Request). */
class Answer {
  constructor(url, status, text, back) {
    Object.assign(this, { url, status, text, back });
  }

  /** The first form with such a field, button or action. */
  form(wanted) {
    const fits = (form) =>
      wanted in form.fields || form.choices.some(([name]) => name === wanted) || form.action.endsWith(wanted);
    const found = forms(this.text).find(fits);
    if (!found) throw new Error(`${this.url} (${this.status}) has no form with ${wanted}:\n${this.text}`);
    return found;
  }
}

export class Browser {
  #cookies = new Map();

  /** `redirectUri` is where the client takes over. */
  constructor(redirectUri) {
    this.redirectUri = redirectUri;
  }

  /** Opens a page as by following a link. */
  async open(url) {
    return this.#go("GET", new URL(url), undefined, "none");
  }

  /** Submits a form of a page. */
  async submit(page, form, values = {}) {
    const fields = new URLSearchParams({ ...form.fields, ...values });
    return this.#go(form.method, new URL(form.action, page.url), fields, "same-origin", new URL(page.url).origin);
  }

  async #go(method, url, fields, site, origin) {
    for (let step = 0; step < 12; step += 1) {
      if (this.#isBack(url)) return new Answer(url, 0, "", url);
      const headers = { accept: "text/html", "sec-fetch-mode": "navigate", "sec-fetch-site": site };
      const cookies = [...(this.#cookies.get(url.host) ?? [])].map(([name, value]) => `${name}=${value}`);
      if (cookies.length > 0) headers.cookie = cookies.join("; ");
      if (origin) headers.origin = origin;
      if (method === "GET" && fields) url.search = fields.toString();
      const answer = await fetch(url, {
        method,
        headers,
        redirect: "manual",
        body: method === "POST" ? fields : undefined,
      });
      this.#keep(url, answer);
      const location = answer.headers.get("location");
      if (!location) return this.#page(url, answer.status, await answer.text());
      await answer.body?.cancel();
      url = new URL(location, url);
      method = "GET";
      fields = undefined;
      origin = undefined;
    }
    throw new Error(`the redirects do not end: ${url}`);
  }

  #isBack(url) {
    return url.href.split("?")[0] === this.redirectUri;
  }

  /** A page that only posts to the client is the way back to it (form_post). */
  #page(url, status, text) {
    const posted = forms(text).find((form) => form.action === this.redirectUri);
    if (!posted) return new Answer(url, status, text, undefined);
    const body = new URLSearchParams(posted.fields);
    return new Answer(url, status, text, new Request(this.redirectUri, { method: posted.method, body }));
  }

  #keep(url, answer) {
    const jar = this.#cookies.get(url.host) ?? new Map();
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      if (/max-age=0/i.test(line) || value === "") jar.delete(name);
      else jar.set(name, value);
    }
    this.#cookies.set(url.host, jar);
  }
}

/** What the button for `yes` or for no says. */
function decide(page, yes) {
  const values = page.form("decision").choices.filter(([name]) => name === "decision").map(([, value]) => value);
  return { decision: values.find((value) => (value !== "deny") === yes) };
}

/** Signs in, types `userCode` and decides, as the pages ask for it; the page that asks for nothing more. */
async function answer(browser, url, user, yes, userCode) {
  let page = await browser.open(url);
  for (let step = 0; step < 5 && page.back === undefined; step += 1) {
    const asked = forms(page.text);
    const has = (name) => asked.some((form) => name in form.fields || form.choices.some(([choice]) => choice === name));
    if (has("password")) page = await browser.submit(page, page.form("password"), user);
    else if (has("decision")) page = await browser.submit(page, page.form("decision"), decide(page, yes));
    else if (has("user_code")) page = await browser.submit(page, page.form("user_code"), userCode);
    else break;
  }
  return page;
}

/** Signs `user` in at `url`, says yes where the user is asked, and gives the way back to the client. */
export async function signIn(browser, url, user, yes = true) {
  const page = await answer(browser, url, user, yes, {});
  if (page.back === undefined) throw new Error(`${page.url} (${page.status}) leads nowhere:\n${page.text}`);
  return page.back;
}

/** What the person does at the other device: types the code if it is not there yet, signs in, decides. */
export async function approve({ url, userCode }, user, yes = true) {
  const page = await answer(new Browser(""), url, user, yes, userCode ? { user_code: userCode } : {});
  if (page.status !== 200) throw new Error(`${page.url} (${page.status}):\n${page.text}`);
}
