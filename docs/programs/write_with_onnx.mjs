// Write with what `understudy export MODEL --to onnx` made: node write_with_onnx.mjs FILE [LENGTH [TEMPERATURE]]
import { readFile } from "node:fs/promises";
import * as ort from "onnxruntime-web";

const [path, length = 500, temperature] = process.argv.slice(2);
const about = JSON.parse(await readFile(`${path}.json`, "utf8"));
const heat = Number(temperature ?? about.temperature);
const session = await ort.InferenceSession.create(await readFile(path));
const zeros = { float32: Float32Array, int64: BigInt64Array };
let id = about.opening, state = {};
for (const { name, type, shape } of about.states) {
  const dims = [1, ...shape.slice(1)];
  state[name] = new ort.Tensor(type, new zeros[type](dims.reduce((product, size) => product * size)), dims);
}
for (let written = 0; written < length; written++) {
  const after = await session.run({ id: new ort.Tensor("int64", [BigInt(id)], [1]), ...state });
  state = Object.fromEntries(about.states.map(({ name }) => [name, after[`${name}_next`]]));
  const logits = after.logits.data, best = logits.reduce((a, b) => Math.max(a, b));
  const weights = Array.from(logits, (logit) => heat > 0 ? Math.exp((logit - best) / heat) : Number(logit === best));
  let left = Math.random() * weights.reduce((a, b) => a + b);
  id = Math.max(0, weights.findIndex((weight) => (left -= weight) < 0));
  process.stdout.write(about.kind === "bytes" ? Uint8Array.of(about.symbols[id]) : about.symbols[id]);
}
