// The official OpenAI client in a page on another origin than the proxy; what it got is left in window.results.
import OpenAI from "/openai/index.mjs";

const { baseURL, apiKey } = Object.fromEntries(new URLSearchParams(location.search));
const defaultHeaders = { "X-Client": "geo-agent/v3.13.1" };
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0, dangerouslyAllowBrowser: true, defaultHeaders });
const messages = [{ role: "user", content: "Hello" }];
const EXPOSED = [
  "x-llm-request-id", "x-llm-provider", "x-request-id", "server-timing", "retry-after", "x-ratelimit-limit",
  "x-ratelimit-remaining", "x-ratelimit-reset",
];

function readable(headers) {
  return Object.fromEntries(EXPOSED.map((name) => [name, headers.get(name)]));
}

async function plain() {
  const { data, response } = await client.chat.completions.create({ model: "m", messages, user: "s-1" }).withResponse();
  return { content: data.choices[0].message.content, headers: readable(response.headers) };
}

async function streamed() {
  let content = "";
  for await (const chunk of await client.chat.completions.create({ model: "m", messages, stream: true })) {
    content += chunk.choices[0]?.delta.content ?? "";
  }
  return content;
}

async function failing(model, key) {
  try {
    await client.withOptions({ apiKey: key ?? apiKey }).chat.completions.create({ model, messages });
  } catch (error) {
    return { name: error.constructor.name, status: error.status, code: error.code, headers: readable(error.headers) };
  }
}

window.results = {
  origin: location.origin,
  plain: await plain(),
  streamed: await streamed(),
  limited: await failing("error-429"),
  wrongKey: await failing("m", "wrong"),
  models: (await client.models.list()).data.map((model) => model.id),
  health: await (await fetch(new URL("/health", baseURL))).json().then((health) => health.status),
};
