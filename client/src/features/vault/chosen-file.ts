export const MAX_FILE_BYTES = 5 * 1024 * 1024;

const TYPES = ["application/pdf", "image/png", "image/jpeg"];

/** The types that the service reads, for a file input. With these, an iPhone converts its photos to JPEG. */
export const FILE_TYPES = TYPES.join(",");
export const PHOTO_TYPES = "image/jpeg,image/png";

/** A camera's photo has more pixels than any code needs. */
const MAX_PHOTO_PIXELS = 3_000;
const PHOTO_QUALITY = 0.9;

export type FileProblem = "fileEmpty" | "fileLarge" | "fileType";

/** Returns why the service would not accept a file, or null. */
export function fileProblem({ size, type }: Pick<File, "size" | "type">): FileProblem | null {
  if (!TYPES.includes(type)) return "fileType";
  if (size === 0) return "fileEmpty";
  return size > MAX_FILE_BYTES ? "fileLarge" : null;
}

/** Returns a photo that is too large with fewer pixels, and every other file as it is. */
export async function fitIntoLimit(file: File): Promise<File> {
  if (!file.type.startsWith("image/") || file.size <= MAX_FILE_BYTES) return file;
  const image = await createImageBitmap(file).catch(() => null);
  if (!image) return file;
  const canvas = document.createElement("canvas");
  drawInto(canvas, image, MAX_PHOTO_PIXELS);
  const blob = await new Promise<Blob | null>((done) =>
    canvas.toBlob(done, "image/jpeg", PHOTO_QUALITY),
  );
  return blob ? new File([blob], file.name, { type: "image/jpeg" }) : file;
}

/** Draws an image with at most so many pixels on its longer side. */
export function drawInto(canvas: HTMLCanvasElement, image: ImageBitmap, pixels: number): void {
  const scale = Math.min(1, pixels / Math.max(image.width, image.height));
  canvas.width = Math.max(1, Math.round(image.width * scale));
  canvas.height = Math.max(1, Math.round(image.height * scale));
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
}
