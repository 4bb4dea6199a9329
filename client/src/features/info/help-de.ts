import type { InfoText } from "./content";

export const GERMAN_HELP: InfoText = {
  title: "Hilfe",
  lead: "So funktionieren Kauf und Verkauf.",
  sections: [
    {
      heading: "Wie kaufe ich ein Ticket?",
      paragraphs: [
        "Öffne ein Ticket und wähle „Reservieren und zahlen“. Solange die Zeit läuft, die dann angezeigt wird, kann es niemand anderes kaufen. Zahlst du in dieser Zeit mit Karte, gehört es dir.",
        "Zahlst du nicht rechtzeitig, endet die Reservierung, es wird nichts abgebucht, und das Ticket steht wieder zum Verkauf.",
      ],
    },
    {
      heading: "Was kostet es?",
      paragraphs: [
        "Den angezeigten Preis, in US-Dollar. Von uns kommen keine Gebühren dazu. Deine Bank kann für die Zahlung in fremder Währung etwas verlangen.",
      ],
    },
    {
      heading: "Meine Karte wurde abgelehnt",
      paragraphs: [
        "Es wurde nichts abgebucht. Deine Bestellung bleibt offen: Du kannst es noch einmal versuchen oder eine andere Karte nehmen, allerdings nicht beliebig oft.",
      ],
    },
    {
      heading: "Ich habe bezahlt, aber zu spät",
      paragraphs: [
        "Eine Zahlung, die nach dem Ende der Reservierung ankommt, wird automatisch auf deine Karte erstattet. Banken zeigen das erst nach ein paar Tagen an. Auf der Seite deiner Bestellung steht, was passiert ist.",
      ],
    },
    {
      heading: "Wie bekomme ich das gekaufte Ticket?",
      paragraphs: [
        "Lag es im Tresor: Öffne deine Bestellung unter „Meine Bestellungen“ und wähle „Zum Ticket“.",
        "War es nur beschrieben: von der Person, die es verkauft hat, nicht von uns. Schreib mit deiner Bestellnummer an {email}, dann stellen wir den Kontakt her.",
      ],
    },
    {
      id: "protection",
      heading: "Was heißt „Im Tresor“ und „Nur beschrieben“?",
      paragraphs: [
        "Nur beschrieben: Wir haben das Ticket nicht gesehen. Du verlässt dich darauf, dass es da ist, nur einmal verkauft und auch übergeben wird.",
        "Im Tresor: Wir haben die Datei des Tickets und bewahren sie verschlüsselt auf. Wer es kauft, bekommt es gleich nach der Zahlung hier. Niemand sonst kann es hier öffnen, auch nicht, wer es verkauft. Kein anderes Angebot hier hat denselben Code, sofern er sich lesen ließ. Ob es am Einlass gilt oder ob anderswo eine Kopie weitergegeben wurde, können wir nicht prüfen.",
        "Im Tresor, schon geöffnet: Jemand hat es hier gekauft, geöffnet und verkauft es wieder. Nach dem Verkauf ist es für diese Person hier nicht mehr zu sehen, eine Kopie kann sie aber behalten haben. Ein Ticket, das noch nicht geöffnet ist, lässt sich ohne diesen Hinweis weiterverkaufen.",
        "Neu ausgestellt: Der Veranstalter stellt für die Käuferin oder den Käufer ein neues Ticket aus, frühere gelten dann nicht mehr. Das gibt es hier noch nicht.",
      ],
    },
    {
      heading: "Wie verkaufe ich ein Ticket?",
      paragraphs: [
        "Wähle „Ticket verkaufen“, such die Veranstaltung, damit das Ticket nach Tag und Ort gefunden wird, und leg den Preis fest. Es ist sofort online. Leg dann die Datei des Tickets in den Tresor: ein PDF, oder ein Foto oder einen Screenshot davon. Alle sehen, dass es dort liegt. Du kannst das Angebot ändern, bis jemand es reserviert, und zurückziehen, bis es verkauft ist.",
      ],
    },
    {
      heading: "Mein Ticket ist verkauft. Was nun?",
      paragraphs: [
        "Lag es im Tresor, geben wir es weiter. Wenn nicht, übergib es selbst: Schreib mit dem Titel deines Angebots an {email}, dann stellen wir den Kontakt her.",
      ],
    },
    {
      id: "payouts",
      heading: "Wann bekomme ich mein Geld?",
      paragraphs: [
        "Drei Tage nach der Veranstaltung. Ohne Veranstaltung 14 Tage nachdem das Ticket geöffnet wurde oder sein Empfang bestätigt ist, spätestens 90 Tage nach dem Verkauf. Bis dahin bewahren wir es auf, damit es zurückgehen kann, wenn etwas nicht stimmt.",
        "Öffne „Konto“, dann „Was du einnimmst“, und sag Stripe, das für uns auszahlt, wohin es soll. Das geht auch nach dem Verkauf: Das Geld wartet.",
      ],
    },
    {
      heading: "Mein Konto",
      paragraphs: [
        "Unter „Konto“ siehst du, wo du angemeldet bist, und kannst jede Sitzung beenden. Dort änderst du dein Passwort und deine Adresse, fügst Passkeys hinzu, exportierst deine Daten und löschst dein Konto.",
      ],
    },
  ],
};
