import { filter, log, param } from "@tidemill/smartmodule";

/** Adds a value, and forgets the oldest one where there are too many. */
function remember(seen: Set<string>, value: string, most: number): void {
  for (const oldest of seen) {
    if (seen.size < most) break;
    seen.delete(oldest);
  }
  seen.add(value);
}

export default filter(
  {
    description: "Leaves out values that came before: a module with state, which it rebuilds by looking back.",
    params: { remember: param.integer({ default: 100_000, description: "How many values to remember" }) },
    init: () => new Set<string>(),
    lookBack: (record, { params, state }) => remember(state, record.text(), params.remember),
  },
  (record, { params, state }) => {
    const value = record.text();
    const isNew = !state.has(value);
    if (isNew) remember(state, value, params.remember);
    else log.debug("seen before:", value);
    return isNew;
  },
);
