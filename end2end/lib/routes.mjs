// The pages that the app has, read from its own route table.

import { readFile } from "node:fs/promises";

const TABLE = new URL("../../app/src/routes.rs", import.meta.url);

/** Every page's path as the route table writes it, such as `/o/{org}/budgets/{budget}`. */
export async function routes() {
  const table = await readFile(TABLE, "utf8");
  const paths = [...table.matchAll(/^ {8}\(\s*"([^"]+)", site\./gm)].map(([, path]) => path);
  if (paths.length < 20) throw new Error(`the route table in ${TABLE.pathname} is written in a way that this cannot read`);
  return paths;
}
