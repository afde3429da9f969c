import { filter, param } from "@tidemill/smartmodule";

export default filter(
  {
    description: "Keeps records whose value contains a text.",
    params: {
      text: param.string({ default: "error", description: "What to look for" }),
      invert: param.boolean({ default: false, description: "Keep what does not have it" }),
    },
  },
  (record, { params }) => record.includes(params.text) !== params.invert,
);
