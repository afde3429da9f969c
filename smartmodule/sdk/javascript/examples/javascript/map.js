import { map } from "@tidemill/smartmodule";

export default map({ description: "Writes values in capitals, and says so in a header." }, (record) =>
  record.with({
    value: record.text().toUpperCase(),
    headers: [...record.headers, ["written", "in capitals"]],
  }),
);
