// The official OpenAI client for Node: a call each way; prints what came of each.
import OpenAI from "openai";

const { baseURL, apiKey, tool } = JSON.parse(process.argv[2]);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const messages = [{ role: "user", content: "Hello" }];

async function plain() {
  const { data, response } = await client.chat.completions.create({ model: "m", messages }).withResponse();
  return { content: data.choices[0].message.content, requestId: response.headers.get("x-llm-request-id") };
}

async function streamed() {
  let content = "";
  let usage = null;
  const stream = await client.chat.completions.create({
    model: "m", messages, stream: true, stream_options: { include_usage: true },
  });
  for await (const chunk of stream) {
    content += chunk.choices[0]?.delta.content ?? "";
    usage = chunk.usage ?? usage;
  }
  return { content, usage };
}

async function toolsPlain() {
  const answer = await client.chat.completions.create({ model: "m", messages, tools: [tool] });
  return answer.choices[0].message.tool_calls[0].function;
}

async function toolsStreamed() {
  const runner = client.chat.completions.stream({ model: "m", messages, tools: [tool] });
  return (await runner.finalChatCompletion()).choices[0].message.tool_calls[0].function;
}

async function aborted() {
  const stream = await client.chat.completions.create({ model: "m", messages, stream: true });
  for await (const chunk of stream) {
    stream.controller.abort();
    return chunk.choices[0].delta.role;
  }
}

async function failing(model, key = apiKey) {
  try {
    await client.withOptions({ apiKey: key }).chat.completions.create({ model, messages });
  } catch (error) {
    const { status, code, type, requestID } = error;
    return { name: error.constructor.name, status, code, type, requestID, retryAfter: error.headers.get("retry-after") };
  }
}

const errors = {};
for (const status of [400, 401, 403, 404, 422, 429, 500]) errors[status] = await failing(`error-${status}`);
console.log(JSON.stringify({
  plain: await plain(),
  streamed: await streamed(),
  toolsPlain: await toolsPlain(),
  toolsStreamed: await toolsStreamed(),
  aborted: await aborted(),
  errors,
  wrongKey: await failing("m", "wrong"),
}));
