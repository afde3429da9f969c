import { map, type InputRecord, type OutputRecord } from "@tidemill/smartmodule";

function inCapitals(record: InputRecord): OutputRecord {
  return record.with({
    value: record.text().toUpperCase(),
    headers: [...record.headers, ["written", "in capitals"]],
  });
}

export default map({ description: "Writes values in capitals, and says so in a header." }, inCapitals);
