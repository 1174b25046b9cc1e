/** @returns what became of it: see door.ts. Never rejects. */
export async function send(path, content) {
  try {
    const response = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(content),
    });
    if (response.status === 401 && path !== "/sign-in") location.reload();
    return await response.json();
  } catch {
    return { outcome: "rejected", code: "no connection", detail: "the box was not reached" };
  }
}

/** For people. */
export function refusal({ outcome, code, detail }) {
  if (outcome === "rejected") return `Refused: ${detail} (${code})`;
  return "No answer came. Look at the box's log.";
}
