// The pages that the app has, read from its own route table.

import { readFile } from "node:fs/promises";

const TABLE = new URL("../../app/src/lib.rs", import.meta.url);

/** Every page's path as the route table writes it, such as `/o/:org/budgets/:budget`. */
export async function routes() {
  const table = await readFile(TABLE, "utf8");
  const paths = [];
  let parent = "";
  for (const [, closes, kind, path] of table.matchAll(/<(\/)?(ParentRoute|Route)\b(?:\s+path=path!\("([^"]*)"\))?/g)) {
    if (kind === "ParentRoute") parent = closes ? "" : path;
    else paths.push(parent ? [parent, path].filter(Boolean).join("/") : path);
  }
  if (paths.length < 20) throw new Error(`the route table in ${TABLE.pathname} is written in a way that this cannot read`);
  return paths;
}
