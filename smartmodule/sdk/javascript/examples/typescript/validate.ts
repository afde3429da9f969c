import { validate } from "@tidemill/smartmodule";

export default validate({ description: "Refuses values that are not numbers from 0 to 100." }, (record) => {
  const text = record.text().trim();
  const number = Number(text);
  if (text === "" || Number.isNaN(number)) return `\`${text}\` is not a number`;
  return (number >= 0 && number <= 100) || `${number} is not from 0 to 100`;
});
