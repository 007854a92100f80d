// Requests to the server. Each one has the token in a header, and no connection stays open.

import { takeToken } from "./state.js";

const token = takeToken();

/** A request was refused; the message is one sentence. */
export class ApiError extends Error {}

/** GET an endpoint with parameters, and return the JSON data. */
export async function get(path, parameters = {}) {
  const query = new URLSearchParams(parameters).toString();
  return json(await request(query ? `${path}?${query}` : path, { method: "GET" }));
}

/** POST a JSON object to an endpoint, and return the JSON data. */
export async function post(path, data = {}) {
  const headers = { "content-type": "application/json" };
  return json(await request(path, { method: "POST", headers, body: JSON.stringify(data) }));
}

/** GET an endpoint, and return the bytes as an ArrayBuffer. */
export async function bytes(path) {
  const response = await request(path, { method: "GET" });
  if (!response.ok) await json(response);
  return response.arrayBuffer();
}

/** Return the array that the server's `packed` wrote: {shape, data}. */
export function unpack({ shape, dtype, data }) {
  const raw = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  const Kind = { uint8: Uint8Array, int32: Int32Array, float32: Float32Array, float64: Float64Array };
  return { shape, data: new Kind[dtype](raw.buffer) };
}

/** Return {shape, data} in the form of the server's `packed`. The data must be a typed array. */
export function pack({ shape, data }) {
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  let text = "";
  for (let at = 0; at < raw.length; at += 32768) {
    text += String.fromCharCode(...raw.subarray(at, at + 32768));
  }
  const dtype = data.constructor.name.replace("Clamped", "").replace("Array", "").toLowerCase();
  return { shape, dtype, data: btoa(text) };
}

async function request(path, options) {
  const headers = { ...options.headers, "x-handgrad-token": token ?? "" };
  try {
    return await fetch(path, { ...options, headers });
  } catch {
    throw new ApiError("the server does not answer; start `handgrad open` again");
  }
}

async function json(response) {
  const text = await response.text();
  let data = null;
  try {
    data = JSON.parse(text);
  } catch {
    throw new ApiError(text.trim() || `status ${response.status}`);
  }
  if (!response.ok) throw new ApiError(data.error ?? `status ${response.status}`);
  return data;
}
