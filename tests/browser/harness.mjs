// A browser with pages that may ask for nothing, and what a test reads of them.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const { CHROMIUM, NODE_PACKAGES, PAGES, RELEASED } = process.env;
const packages = join(NODE_PACKAGES, "node_modules");
const require = createRequire(join(packages, "x.js"));
const { chromium } = require("playwright-core");
export const AXE = require("axe-core").source;
export const imported = (path) => import(pathToFileURL(join(packages, path)).href);

export const released = (name) => join(RELEASED, name);
export const pages = {
  pocket: released("report.html"),
  pairs: join(PAGES, "pairs.html"),
  hostile: join(PAGES, "hostile.html"),
  ungraded: join(PAGES, "ungraded.html"),
  empty: join(PAGES, "empty.html"),
};

// Why a test of the released page is skipped, or false: it may be older than what is tested.
const isOld = !readFileSync(pages.pocket, "utf8").includes('id="explore"');
export const skip = (name) => isOld && name === "pocket" && "the released page has no explorer yet: make release-pocket";

export const launch = () => chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });

// Opens a page; `heard` collects what no page of ours may do: errors, requests, dialogs.
export async function open(browser, path, { width = 1280, height = 800, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, ...options });
  const page = await context.newPage();
  const heard = [];
  const url = pathToFileURL(path).href;
  page.on("console", (message) => heard.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => heard.push(`error: ${error.message}`));
  page.on("request", (request) => request.url() === url || heard.push(`request: ${request.url()}`));
  page.on("dialog", async (dialog) => { heard.push(`dialog: ${dialog.message()}`); await dialog.dismiss(); });
  await page.goto(url);
  return { page, heard, close: () => context.close() };
}

// Whatever the explorer shows, as texts.
export const shown = (page) => page.evaluate(() => {
  const table = (label) => [...document.querySelectorAll(`#explore [aria-label="${label}"] tbody tr`)]
    .map((line) => [...line.cells].map((cell) => cell.textContent));
  const texts = (selector) => [...document.querySelectorAll(selector)].map((of) => of.textContent);
  return {
    gain: texts("#explore-gain-text"),
    holds: texts("#explore-holds"),
    rows: table("This setting"),
    heldOut: table("Held-out datasets at this setting"),
    guarantee: texts("#explore-guarantee"),
    ask: texts("#explore pre code"),
    marks: [...document.querySelectorAll("#explore figure svg[role=img]")].map((svg) => [svg.getAttribute("aria-label"),
      svg.getAttribute("viewBox"), [...svg.children].map((mark) => mark.outerHTML.replace(/ xmlns="[^"]*"/, ""))]),
  };
});

// Sets a list, or the slider, as a reader does.
export async function choose(page, what, index) {
  const control = page.locator(`[data-choose="${what}"]`);
  if (what !== "stop") return control.selectOption({ index });
  return control.evaluate((slider, value) => {
    slider.value = value;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
  }, index);
}

// Numbers in [0, 1) from a seed (mulberry32).
export function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
