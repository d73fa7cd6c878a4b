// A spec in the fragment of the page's address: deflated, in letters that an address may have.

async function through(bytes, stream) {
  return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());
}

export async function written(state) {
  const bytes = new TextEncoder().encode(JSON.stringify(state));
  const packed = await through(bytes, new CompressionStream("deflate-raw"));
  const letters = btoa(Array.from(packed, (b) => String.fromCharCode(b)).join(""));
  return "#spec=" + letters.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

// {text, settings} of a fragment; nothing where it carries no spec.
export async function read(fragment) {
  if (!fragment.startsWith("#spec=")) return undefined;
  try {
    const letters = fragment.slice(6).replaceAll("-", "+").replaceAll("_", "/");
    const packed = Uint8Array.from(atob(letters), (c) => c.charCodeAt(0));
    const bytes = await through(packed, new DecompressionStream("deflate-raw"));
    const { text, settings } = JSON.parse(new TextDecoder().decode(bytes));
    return typeof text === "string" ? { text, settings: Object(settings) } : undefined;
  } catch {
    return undefined;
  }
}
