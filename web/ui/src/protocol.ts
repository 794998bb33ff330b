// The protocol of a sitting: filled in with or without a line, sent when there is one.

import { send } from "./api";
import { waitMs } from "./backoff";
import { element, pageData, reveal, write } from "./page";
import { sayFrom } from "./texts";
import { type Fields, Unsent, isWorthAnotherTry } from "./unsent";

interface PageData {
  event: string;
  account: string;
  workplaces: Record<string, string[]>;
  waiting: Fields | null;
  texts: Record<string, string>;
}

interface Entry {
  learner: string;
  attended: boolean;
  workplace: string | null;
  document: string | null;
  conditions: boolean;
}

interface Protocol {
  centre: string;
  number: string;
  held_at: string;
  signed_on: string | null;
  entries: Entry[];
}

class ProtocolPage {
  private readonly data = pageData<PageData>();
  private readonly say = sayFrom(this.data.texts);
  private readonly form = element<HTMLFormElement>("protocol");
  private readonly fields = element<HTMLFieldSetElement>("fields");
  private readonly unsent = new Unsent<Protocol>(
    localStorage,
    `protocol:${this.data.event}:${this.data.account}`,
  );
  private attempt = 0;
  private timer: number | undefined;
  private isSending = false;

  begin(): void {
    const kept = this.unsent.read();
    this.fill(kept?.fields ?? this.data.waiting ?? {});
    this.form.addEventListener("input", () => this.typed());
    this.form.addEventListener("submit", (event) => this.submitted(event));
    element("change").addEventListener("click", () => this.open());
    element("discard").addEventListener("click", () => this.discard());
    window.addEventListener("online", () => void this.transmit());
    reveal(this.form, true);
    if (kept === null) return;
    this.tell("protocol.say.kept");
    if (kept.sealed !== null) void this.transmit();
  }

  private typed(): void {
    this.offerWorkplaces();
    this.showRows();
    this.unsent.keep(this.read());
    this.tell("protocol.say.kept");
  }

  private submitted(event: SubmitEvent): void {
    event.preventDefault();
    const sealed = this.protocol(event.submitter?.id === "sign");
    if (sealed.entries.length === 0) {
      this.tell("protocol.say.nobody");
      return;
    }
    this.unsent.keep(this.read(), sealed);
    this.attempt = 0;
    void this.transmit();
  }

  private async transmit(): Promise<void> {
    window.clearTimeout(this.timer);
    const sealed = this.unsent.read()?.sealed;
    if (sealed == null || this.isSending) return;
    this.fields.disabled = true;
    this.isSending = true;
    const answer = await send<{ signed: boolean }>(
      "POST",
      `/api/protocols/${this.data.event}`,
      sealed,
    );
    this.isSending = false;
    if (answer.ok) {
      this.unsent.clear();
      this.fields.disabled = answer.value.signed;
      this.tell(answer.value.signed ? "protocol.say.signed" : "protocol.say.sent");
      reveal(element("change"), false);
    } else if (isWorthAnotherTry(answer.status)) {
      this.tell("protocol.say.no_line");
      reveal(element("change"), true);
      this.timer = window.setTimeout(
        () => void this.transmit(),
        waitMs(this.attempt++, Math.random()),
      );
    } else {
      this.open();
      const reason = answer.status === 401 ? this.say("protocol.say.sign_in") : answer.detail;
      write(element("status"), reason || this.say("protocol.say.refused"));
    }
  }

  /** Stop sending and let the invigilator change something. */
  private open(): void {
    window.clearTimeout(this.timer);
    this.fields.disabled = false;
    this.unsent.keep(this.read());
    reveal(element("change"), false);
    this.tell("protocol.say.kept");
  }

  private discard(): void {
    window.clearTimeout(this.timer);
    this.unsent.clear();
    location.reload();
  }

  private protocol(isSigned: boolean): Protocol {
    const fields = this.read();
    const told = [...this.form.querySelectorAll<HTMLElement>("[data-learner]")];
    const entries = told.flatMap(({ dataset: { learner = "" } }) => {
      const attended = fields[`attended-${learner}`];
      if (!attended) return [];
      const came = attended === "yes";
      return {
        learner,
        attended: came,
        workplace: (came && fields[`workplace-${learner}`]) || null,
        document: (came && fields[`document-${learner}`]) || null,
        conditions: came && fields[`conditions-${learner}`] === "yes",
      };
    });
    return {
      centre: fields["centre"] ?? "",
      number: (fields["number"] ?? "").trim(),
      held_at: fields["held_at"] ?? "",
      signed_on: isSigned ? today() : null,
      entries,
    };
  }

  private *controls(): Generator<HTMLInputElement | HTMLSelectElement> {
    yield* this.form.querySelectorAll<HTMLInputElement | HTMLSelectElement>("[name]");
  }

  private read(): Fields {
    const fields: Fields = {};
    for (const each of this.controls()) if (each.value !== "") fields[each.name] = each.value;
    return fields;
  }

  private fill(fields: Fields): void {
    const centre = element<HTMLSelectElement>("centre");
    if (fields["centre"]) centre.value = fields["centre"];
    this.offerWorkplaces();
    for (const each of this.controls()) each.value = fields[each.name] ?? each.value;
    this.showRows();
  }

  /** The workplaces of the chosen centre, for every learner. */
  private offerWorkplaces(): void {
    const centre = element<HTMLSelectElement>("centre").value;
    for (const each of this.form.querySelectorAll<HTMLSelectElement>("[name^=workplace-]")) {
      if (each.dataset["centre"] === centre) continue;
      each.dataset["centre"] = centre;
      const none = each.options[0] ?? new Option("", "");
      const places = this.data.workplaces[centre] ?? [];
      each.replaceChildren(none, ...places.map((place) => new Option(place, place)));
    }
  }

  /** What is asked only of those who came. */
  private showRows(): void {
    for (const row of this.form.querySelectorAll<HTMLElement>("[data-learner]")) {
      const attended = row.querySelector<HTMLSelectElement>("[name^=attended-]");
      const asked = row.querySelector<HTMLElement>(".of-present");
      if (attended && asked) reveal(asked, attended.value === "yes");
    }
  }

  private tell(key: string): void {
    write(element("status"), this.say(key));
  }
}

/** The day on the clock of the centre. */
function today(): string {
  const now = new Date();
  const two = (n: number): string => String(n).padStart(2, "0");
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}

new ProtocolPage().begin();
