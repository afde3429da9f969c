import { flatMap } from "@tidemill/smartmodule";

export default flatMap({ description: "Makes a record of each word." }, (record) => record.text().match(/\S+/g) ?? []);
