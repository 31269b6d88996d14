// A mail server for one test file: takes real SMTP conversations, keeps what it accepts, refuses when told to.

import { SMTPServer } from "smtp-server";
import { simpleParser } from "mailparser";

const PATIENCE_MS = 30_000;

export async function startMail() {
  const mails = [];
  const waiting = new Set();
  let refusal = null;
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    logger: false,
    onRcptTo(_address, _session, done) {
      done(refusal ? Object.assign(new Error(refusal.text), { responseCode: refusal.code }) : null);
    },
    onData(stream, session, done) {
      simpleParser(stream).then((parsed) => {
        const mail = {
          from: session.envelope.mailFrom.address,
          to: session.envelope.rcptTo.map((recipient) => recipient.address),
          subject: parsed.subject ?? "",
          text: parsed.text ?? "",
          html: parsed.html || "",
          messageId: parsed.messageId,
          // The first address in the text that contains `part`.
          link(part) {
            const found = this.text.match(/https?:\/\/\S+/g)?.find((address) => address.includes(part));
            if (!found) throw new Error(`no link with ${part} in:\n${this.text}`);
            return found;
          },
        };
        mails.push(mail);
        for (const look of waiting) look();
        done(null, `queued as ${mails.length}`);
      }, done);
    },
  });
  // A sender that hangs up is the sender's concern.
  server.on("error", () => {});
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `smtp://127.0.0.1:${server.server.address().port}`,
    mails,
    /** Refuses every recipient with this answer; `null` accepts again. */
    refuse(answer) {
      refusal = answer;
    },
    /** The first mail that `wanted` accepts, as soon as there is one. */
    waitFor(wanted) {
      return new Promise((resolve, reject) => {
        const look = () => {
          const found = mails.find(wanted);
          if (found) finish(() => resolve(found));
        };
        const timer = setTimeout(
          () => finish(() => reject(new Error(`no such mail; there are ${JSON.stringify(mails.map(({ to, subject }) => ({ to, subject })))}`))),
          PATIENCE_MS,
        );
        const finish = (settle) => {
          clearTimeout(timer);
          waiting.delete(look);
          settle();
        };
        waiting.add(look);
        look();
      });
    },
    /** The newest mail to an address, as soon as there is one whose subject matches. */
    async to(address, subject = /./) {
      return this.waitFor((mail) => mail.to.includes(address) && subject.test(mail.subject));
    },
    stop: () => new Promise((resolve) => server.close(resolve)),
  };
}
