import type { InfoContent } from "./content";
import { GERMAN_HELP } from "./help-de";

export const GERMAN: InfoContent = {
  notice:
    "Diese Seite ist eine Vorlage. Wer diese Website betreibt, hat noch nicht angegeben, wer das ist: Verlass dich nicht darauf.",
  missing: {
    operator: "[Name der Person oder Firma, die diese Website betreibt]",
    address: "[Postanschrift]",
    email: "[E-Mail-Adresse]",
  },
  pages: {
    help: GERMAN_HELP,
    contact: {
      title: "Kontakt",
      lead: "So erreichst du uns.",
      sections: [
        { heading: "Wer wir sind", paragraphs: ["{operator}", "{address}", "{email}"] },
        {
          heading: "Zu einer Bestellung",
          paragraphs: [
            "Bitte schick uns die Bestellnummer. Du findest sie unter „Meine Bestellungen“. Schick uns nie dein Passwort oder deine Kartennummer.",
          ],
        },
        {
          heading: "Zur Sicherheit",
          paragraphs: [
            "Hast du eine Schwachstelle dieser Website gefunden? Schreib an {email}, bevor du anderen davon erzählst, damit wir sie zuerst beheben können.",
          ],
        },
      ],
    },
    terms: {
      title: "Nutzungs\u00adbedingungen",
      lead: "Was gilt, wenn du hier kaufst oder verkaufst.",
      sections: [
        {
          heading: "Wer diese Website betreibt",
          paragraphs: ["{operator}, {address}. So erreichst du uns: {email}."],
        },
        {
          heading: "Was diese Website tut",
          paragraphs: [
            "Sie ist ein Marktplatz, auf dem Leute einzelne Tickets aneinander verkaufen. Der Kaufvertrag besteht zwischen denen, die kaufen, und denen, die verkaufen. Wir reservieren das Ticket, während es bezahlt wird, und nehmen die Zahlung entgegen.",
            "Wir prüfen nicht, ob ein Ticket echt ist. Liegt es im Tresor, geben wir die Datei nach dem Kauf weiter; sonst geben wir es nicht weiter.",
          ],
        },
        {
          heading: "Dein Konto",
          paragraphs: [
            "Verwende eine eigene E-Mail-Adresse, behalt dein Passwort für dich, und umgeh mit mehreren Konten keine Grenzen.",
          ],
        },
        {
          heading: "Verkaufen",
          paragraphs: [
            "Biete nur ein Ticket an, das dir gehört und das du weiterverkaufen darfst, beschreib es richtig, und biete es nicht gleichzeitig anderswo an. Ein Angebot richtet sich an alle: Wer es reserviert und rechtzeitig bezahlt, hat es zum angezeigten Preis gekauft. Liegt das Ticket nicht im Tresor, musst du es dann übergeben.",
          ],
        },
        {
          heading: "Kaufen",
          paragraphs: [
            "Eine Reservierung kostet nichts und verpflichtet dich nicht zur Zahlung. Du kaufst das Ticket, indem du in der angezeigten Zeit zahlst. Eine spätere Zahlung wird erstattet.",
          ],
        },
        {
          heading: "Zahlung",
          paragraphs: [
            "Die Preise sind in US-Dollar. Von uns kommen keine Gebühren dazu. Stripe wickelt die Zahlungen nach eigenen Bedingungen ab.",
          ],
        },
        {
          heading: "Was das Gesetz ergänzt",
          paragraphs: [
            "[Haftung, Widerrufsrecht, Regeln zum Weiterverkauf, anwendbares Recht und Streitbeilegung nach dem Recht des Landes, in dem die Website betrieben wird]",
          ],
        },
      ],
    },
    privacy: {
      title: "Datenschutz",
      lead: "Was wir über dich speichern, warum und wie lange.",
      sections: [
        {
          heading: "Wer verantwortlich ist",
          paragraphs: ["{operator}, {address}, {email}."],
        },
        {
          heading: "Dein Konto und deine Sitzungen",
          paragraphs: [
            "Deine E-Mail-Adresse und dein Passwort, dieses nur als Hash, solange das Konto besteht.",
            "Den öffentlichen Schlüssel und den Namen jedes Passkeys, bis 180 Tage nachdem du ihn entfernt hast, und deine Wiederherstellungscodes nur als Hashes. Was wir dir geschrieben haben, 180 Tage lang.",
            "Zu jeder Anmeldung den Namen deines Browsers und deine IP-Adresse, damit du sie unter „Konto“ erkennst. Eine Sitzung dauert höchstens 30 Tage und wird einen Tag nach ihrem Ende gelöscht.",
          ],
        },
        {
          heading: "Was du kaufst und verkaufst",
          paragraphs: [
            "Deine Angebote und Bestellungen mit Preisen und Zeiten, samt jeder Änderung, als Nachweis des Kaufs. Ein Angebot können alle sehen, deine E-Mail-Adresse nicht.",
            "Die Datei eines Tickets, das du in den Tresor legst, verschlüsselt, und wann sie nach dem Verkauf geöffnet wurde. Wer das Ticket kauft, bekommt die Datei so, wie sie ist, mit allem, was darauf steht.",
            "Öffnest du ein gekauftes Ticket, behält dein Browser die Codes auf deinem Gerät, damit sie ohne Verbindung gehen. Sie werden entfernt, wenn du dich abmeldest oder wenn deine Sitzung beendet ist und du diese Website besuchst.",
          ],
        },
        {
          heading: "Zahlungen",
          paragraphs: [
            "Deine Karte gibst du in Felder von Stripe ein. Die Nummer erhält Stripe, nicht wir. Wir speichern den Betrag, das Ergebnis, die Marke und die letzten vier Ziffern der Karte. Auf der Seite, auf der du zahlst, lädt Stripe sein Skript und verwendet Cookies gegen Betrug: https://stripe.com/de/privacy",
            "Verkaufst du, speichern wir die Nummer und den Stand deines Kontos bei Stripe und was dir ausgezahlt wurde. Was du dort angibst, etwa deine Bankverbindung, erhält Stripe, nicht wir.",
          ],
        },
        {
          heading: "Schutz vor Missbrauch",
          paragraphs: [
            "Versuche, sich anzumelden, ein Konto anzulegen und zu zahlen, werden je Konto, Karte und IP-Adresse gezählt, höchstens einen Tag lang. Eine Karte, die ihre Bank als gestohlen meldet, bleibt für dein Konto 90 Tage gesperrt.",
            "Protokolle der Server: [was die Server protokollieren, und wie lange]",
          ],
        },
        {
          heading: "Cookies",
          paragraphs: [
            "Zwei halten dich angemeldet (30 Tage), an einem erkennen wir deinen Browser, wenn jemand anderes dein Passwort probiert (400 Tage), zwei merken sich Sprache und Zeitzone (ein Jahr), und ohne Skript merkt sich eines eine eingegebene E-Mail-Adresse (eine Minute) und eines den zweiten Schritt einer Anmeldung (fünf Minuten). Für Werbung oder Auswertung gibt es keine.",
          ],
        },
        {
          heading: "Deine Rechte",
          paragraphs: [
            "Unter „Konto“ kannst du herunterladen, was über dich gespeichert ist, und dein Konto löschen. Du kannst auch erfahren, was wir über dich speichern, es berichtigen oder löschen lassen, eine Kopie erhalten und der Verwendung widersprechen. Schreib an {email}. Du kannst dich auch bei einer Datenschutzbehörde beschweren.",
          ],
        },
      ],
    },
    imprint: {
      title: "Impressum",
      lead: "Wer für diese Website verantwortlich ist.",
      sections: [
        { heading: "Betreiber", paragraphs: ["{operator}", "{address}", "{email}"] },
        {
          heading: "Weitere Angaben",
          paragraphs: ["[Rechtsform, Vertretung, Registernummer und Umsatzsteuer-ID]"],
        },
      ],
    },
  },
};
