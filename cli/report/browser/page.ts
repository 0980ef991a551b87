/// <reference lib="dom" />
// Entry point of the browser code, which html.ts bundles into the report.
import type { ReportData } from "../reportData.ts";
import { element } from "./format.ts";
import { makeReport } from "./show.ts";

makeReport()(JSON.parse(element("data").textContent) as ReportData);
document.documentElement.dataset.ready = "true";
