import { aggregate } from "@tidemill/smartmodule";

export default aggregate({ description: "Adds up numbers.", initial: 0 }, (sum, record) => {
  const number = Number.parseInt(record.text(), 10);
  if (Number.isNaN(number)) throw new Error(`\`${record.text()}\` is not a number`);
  return sum + number;
});
