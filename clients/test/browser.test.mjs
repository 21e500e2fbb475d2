// The console in a real browser, which may talk to nobody but odsd.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

const endpoint = new URL(process.env.ODSD_URL);
const shots = process.env.ODSD_SCREENSHOTS ?? path.join(tmpdir(), "odsd-clients");
const limit = 60_000;

// Flags that keep Chromium from asking anybody anything by itself; names of hosts lead nowhere.
const flags = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];

let profile, context, page;
const abroad = [];
const complaints = [];

before(async () => {
  profile = mkdtempSync(path.join(tmpdir(), "profile-"));
  context = await chromium.launchPersistentContext(profile, {
    executablePath: browser(), headless: true, args: flags, viewport: { width: 1400, height: 900 }, timeout: limit,
    env: { ...process.env, HOME: profile, XDG_CONFIG_HOME: profile, XDG_CACHE_HOME: profile },
  });
  context.setDefaultTimeout(limit);
  await context.route(() => true, (route) => {
    const address = new URL(route.request().url());
    if (address.protocol === "data:" || address.protocol === "blob:" || address.host === endpoint.host) return route.continue();
    abroad.push(address.href);
    return route.abort();
  });
  page = context.pages()[0] ?? (await context.newPage());
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(`thrown: ${error.message}`));
  page.on("requestfailed", (request) => complaints.push(`failed: ${request.url()}`));
  page.on("websocket", (socket) => abroad.push(socket.url()));
});

after(async () => {
  await context?.close();
  if (profile) rmSync(profile, { recursive: true, force: true, maxRetries: 10 });
});

function browser() {
  const found = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((file) => file && existsSync(file));
  assert.ok(found, "no Chromium here; as root: apt-get install chromium, or name one by CHROMIUM=…");
  return found;
}

// clickUntil clicks until what it opens is there: GraphiQL offers the queries of a document once it has the schema and has
// parsed it, some time after it shows its text, and runs it as it is before.
async function clickUntil(button, opens) {
  const deadline = Date.now() + 60_000;
  for (;;) {
    await button.click();
    try {
      return await opens.waitFor({ timeout: 2_000 });
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}

test("the root leads to GraphiQL, whose default query shows data and how fresh it is", async (t) => {
  await page.goto(new URL("/", endpoint).href);
  assert.equal(page.url(), endpoint.href);
  const editor = page.locator(".graphiql-query-editor");
  await editor.getByText("FirstPage").waitFor();

  // The document holds two queries, and the button offers both by name.
  const first = page.getByRole("menuitem", { name: "FirstPage" });
  await clickUntil(page.getByRole("button", { name: /execute query/i }), first);
  await first.click();
  const result = page.locator(".result-window");
  await result.getByText('"data"').first().waitFor();
  const reply = JSON.parse(await page.evaluate(() => document.querySelector(".result-window .CodeMirror").CodeMirror.getValue()));
  assert.equal(reply.errors, undefined);
  const list = Object.values(reply.data)[0];
  assert.equal(list.nodes.length, 5);
  assert.ok(list.nodes.some((node) => Object.values(node).some(Array.isArray)), "the example shows no list inside a document");
  assert.deepEqual(Object.keys(reply.data), ["customer360List"], "the example is not the view that nests the deepest");
  assert.deepEqual(Object.keys(reply.extensions.freshness).sort(), ["catalog", "crm", "shipping", "shop"]);

  mkdirSync(shots, { recursive: true });
  const shot = path.join(shots, "graphiql.png");
  await page.screenshot({ path: shot });
  t.diagnostic(`screenshot: ${shot}`);
  await page.evaluate(() => {
    const pane = document.querySelector(".result-window .CodeMirror").CodeMirror;
    pane.scrollTo(0, pane.getScrollInfo().height);
  });
  await result.getByText('"freshness"').waitFor();
  await result.getByText('"lagSeconds"').last().waitFor();
});

test("the documentation lists the views", async () => {
  await page.getByRole("button", { name: /documentation explorer/i }).click();
  await page.locator(".graphiql-doc-explorer").getByText("Query", { exact: true }).first().click();
  await page.locator(".graphiql-doc-explorer").getByText("customer360List").waitFor();
});

test("nothing was asked of another host, and the console is without complaints", () => {
  assert.deepEqual(abroad, []);
  assert.deepEqual(complaints, []);
});
