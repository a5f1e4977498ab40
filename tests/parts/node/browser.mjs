// Chromium opens a page, waits until the page has put its results into window.results, and prints them.
import { chromium } from "playwright-core";

const { executablePath, url, userDataDir } = JSON.parse(process.argv[2]);
const args = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];
const context = await chromium.launchPersistentContext(userDataDir, { executablePath, headless: true, args });
try {
  const page = await context.newPage();
  const said = [];
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(String(error)));
  await page.goto(url);
  await page.waitForFunction(() => window.results, null, { timeout: 30_000 }).catch((error) => {
    throw new Error(`${error}\n${said.join("\n")}`);
  });
  console.log(JSON.stringify(await page.evaluate(() => window.results)));
} finally {
  await context.close();
}
