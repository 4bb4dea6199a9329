const MAX_IMAGES = 100;

const images = new Map<string, Promise<ArrayBuffer>>();

/** Returns an image as a response. Drawing one takes a fifth of a second, so the latest ones are kept. */
export async function cachedImage(key: string, draw: () => Response): Promise<Response> {
  const image = images.get(key) ?? draw().arrayBuffer();
  images.delete(key);
  images.set(key, image);
  image.catch(() => images.delete(key));
  if (images.size > MAX_IMAGES) images.delete(images.keys().next().value ?? "");
  return new Response(await image, {
    headers: { "content-type": "image/png", "cache-control": "public, max-age=600" },
  });
}
