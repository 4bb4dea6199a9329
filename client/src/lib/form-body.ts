/** The largest form that this server accepts. */
export const MAX_FORM_BYTES = 16_384;

/** Reads a small form, or returns null; `formData()` would keep a body of any length in memory. */
export async function readForm(
  request: Request,
  maxBytes: number,
): Promise<URLSearchParams | null> {
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) return null;
  const reader = request.body?.getReader();
  const decoder = new TextDecoder();
  let [text, length] = ["", 0];
  for (let part = await reader?.read(); part?.value; part = await reader?.read()) {
    length += part.value.byteLength;
    if (length > maxBytes) {
      await reader?.cancel();
      return null;
    }
    text += decoder.decode(part.value, { stream: true });
  }
  return new URLSearchParams(text);
}
