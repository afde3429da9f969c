import { join } from "@tidemill/smartmodule";

export default join({ description: "Puts the left value before the right one, where the keys agree." }, (left, right) =>
  left.keyText() === right.keyText() ? `${left.text()} ${right.text()}` : null,
);
