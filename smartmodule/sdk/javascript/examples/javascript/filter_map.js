import { filterMap } from "@tidemill/smartmodule";

export default filterMap({ description: "Doubles numbers; leaves out what is none." }, (record) => {
  const number = Number.parseInt(record.text(), 10);
  return Number.isNaN(number) ? null : String(2 * number);
});
