// The four steps of a sitting live in one page, so that the streams stay open.

export type Step = "check" | "identity" | "exam" | "finish";

/** Show *step* alone and put the focus on its heading. */
export function showStep(step: Step): void {
  for (const section of document.querySelectorAll<HTMLElement>("[data-step]")) {
    section.hidden = section.dataset["step"] !== step;
  }
  for (const item of document.querySelectorAll<HTMLElement>("[data-step-name]")) {
    if (item.dataset["stepName"] === step) item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
  }
  document.body.dataset["at"] = step;
  window.scrollTo(0, 0);
  document.querySelector<HTMLElement>(`[data-step="${step}"] h2`)?.focus();
}
