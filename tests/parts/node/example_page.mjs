// Chromium on examples/page.html, as a person uses it: the models in the picker, a question, the answer as it comes.
import { chromium } from "playwright-core";

const { executablePath, url, userDataDir, model, question, release, whole } = JSON.parse(process.argv[2]);
const args = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];
const context = await chromium.launchPersistentContext(userDataDir, { executablePath, headless: true, args });
try {
  const page = await context.newPage();
  await page.goto(url);
  const answer = page.locator("#answer");
  const says = (text) => page.waitForFunction((text) => document.querySelector("#answer").textContent === text, text);
  const models = async () => page.locator("#model option").allTextContents();
  await page.waitForFunction(() => document.querySelector("#model option") || document.querySelector("#answer").textContent);
  const results = { models: await models() };
  if (results.models.length) {
    await page.selectOption("#model", model);
    await page.fill("#question", question);
    await page.click("button");
    await page.waitForFunction(() => document.querySelector("#answer").textContent);
    results.first = await answer.textContent();
    if (release) {
      await page.request.get(release); // the provider has held the rest back until now
      await says(whole);
    }
  }
  results.last = await answer.textContent();
  console.log(JSON.stringify(results));
} finally {
  await context.close();
}
