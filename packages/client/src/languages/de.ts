import type { Messages } from '../explain/messages.ts';

/** German. */
export const messages: Messages = {
  locale: 'de',
  child: {
    transaction_cap_exceeded:
      'Du kannst auf einmal höchstens {cap} ausgeben. Such dir etwas aus, das nicht mehr als {cap} kostet.',
    cap_exceeded:
      'Du kannst jetzt höchstens {remaining} ausgeben. Such dir etwas Günstigeres aus oder warte bis {resets}.',
    lifetime_cap_exceeded:
      'Du kannst jetzt höchstens {remaining} ausgeben. Mehr hast du hier nicht übrig. Bei Fragen hilft dir ein Elternteil oder wer sonst für dich sorgt.',
    cap_reached:
      'Du hast alles ausgegeben, was gerade geht. Ab {resets} kannst du wieder etwas kaufen.',
    lifetime_cap_reached:
      'Du hast alles ausgegeben, was hier geht. Bei Fragen hilft dir ein Elternteil oder wer sonst für dich sorgt.',
    category_limit: 'Diese Grenze gilt nur für solche Sachen.',
    forbidden_for_age:
      'In deinem Alter kann man hier nichts kaufen. Bei Fragen hilft dir ein Elternteil oder wer sonst für dich sorgt.',
    forbidden_category: 'In deinem Alter kann man so etwas nicht kaufen.',
    something_else: 'Du kannst dir etwas anderes aussuchen.',
    age_unverified:
      'Wir wissen noch nicht, wie alt du bist. Bitte deine Eltern oder wer sonst für dich sorgt, dein Alter mit dir zu bestätigen. Versuch es dann noch einmal.',
    age_not_precise:
      'Dafür musst du zeigen, dass du mindestens {age} bist. Bitte deine Eltern oder wer sonst für dich sorgt um Hilfe. Versuch es dann noch einmal.',
    guardian_approval_required:
      'Bevor du etwas kaufst, müssen deine Eltern oder wer sonst für dich sorgt Ja sagen. Frag sie zuerst.',
    frozen_by_guardian:
      'Deine Eltern oder wer sonst für dich sorgt haben das Kaufen angehalten. Sprich mit ihnen, wenn du etwas kaufen möchtest.',
    currency_not_supported:
      'Hier kannst du nur mit dieser Währung bezahlen: {currency}. Such dir einen Preis in dieser Währung aus.',
    other:
      'Das kannst du gerade nicht kaufen. Bei Fragen hilft dir ein Elternteil oder wer sonst für dich sorgt.',
    paid: 'Du hast es gekauft, und es ist bezahlt. Du musst nichts weiter tun.',
    paid_late: 'Du hast es gekauft. Das Bezahlen hat etwas länger gedauert, hat aber geklappt.',
    pending:
      'Das Bezahlen ist noch nicht fertig. Bezahl nicht noch einmal. Wenn es fertig ist, siehst du es hier.',
    waiting_for_guardian:
      'Erst müssen deine Eltern oder wer sonst für dich sorgt Ja sagen. Noch ist nichts bezahlt. Warte auf ihre Antwort.',
    refunded: 'Du hast dein Geld zurückbekommen. Schau nach, was du jetzt ausgeben kannst.',
    partly_refunded:
      'Du hast einen Teil deines Geldes zurückbekommen. Schau nach, was du jetzt ausgeben kannst.',
    not_paid: 'Du hast das nicht gekauft. Es wurde kein Geld abgebucht.',
    failed:
      'Das Bezahlen hat nicht geklappt. Es wurde kein Geld abgebucht. Du kannst es noch einmal versuchen.',
    unknown:
      'Wir wissen noch nicht, ob Geld abgebucht wurde. Bezahl nicht noch einmal. Schau gleich noch einmal nach.',
    unavailable:
      'Wir erreichen den Shop gerade nicht. Es wurde kein Geld abgebucht. Versuch es gleich noch einmal.',
    signed_out: 'Wir wissen noch nicht, wer du bist. Melde dich an, um hier etwas zu kaufen.',
    allowance_unknown:
      'Wir können gerade nicht zeigen, was du ausgeben kannst. Versuch es gleich noch einmal.',
    no_limit: 'Für dich gilt keine Grenze.',
  },
  adult: {
    transaction_cap_exceeded:
      'Der Preis liegt über dem Limit für einen einzelnen Kauf. Möglich ist ein Kauf bis {cap}.',
    cap_exceeded:
      'Der Preis liegt über dem Rest des Limits ({period}): {remaining} von {cap}. Zurzeit ist ein Kauf bis {remaining} möglich. Das Limit beginnt neu: {resets}.',
    lifetime_cap_exceeded:
      'Der Preis liegt über dem Rest des Gesamtlimits: {remaining} von {cap}. Dieses Limit beginnt nie neu. Möglich ist ein Kauf bis {remaining}.',
    cap_reached:
      'Das Limit von {cap} ist ausgeschöpft ({period}). Käufe sind wieder möglich ab {resets}.',
    lifetime_cap_reached:
      'Das Gesamtlimit von {cap} ist ausgeschöpft und beginnt nie neu. Nach dieser Regel ist kein weiterer Kauf möglich.',
    category_limit: 'Dieses Limit zählt nur bestimmte Arten von Produkten.',
    forbidden_for_age:
      'Die Regeln erlauben in diesem Alter keine Käufe. Falls das erfasste Alter falsch ist, lassen Sie es erneut prüfen.',
    forbidden_category: 'Die Regeln erlauben diese Art von Produkt in diesem Alter nicht.',
    something_else: 'Andere Produkte sind möglich.',
    age_unverified:
      'Das Alter ist nicht oder nicht verlässlich genug nachgewiesen. Lassen Sie es prüfen und versuchen Sie es dann erneut.',
    age_not_precise:
      'Ein Alter von mindestens {age} Jahren ist nicht nachgewiesen. Mit einem Nachweis kann der Kauf erneut versucht werden.',
    guardian_approval_required:
      'Diesen Kauf muss eine sorgeberechtigte Person genehmigen. Holen Sie die Genehmigung ein und versuchen Sie es dann erneut.',
    frozen_by_guardian:
      'Eine sorgeberechtigte Person hat die Käufe dieses Kontos angehalten. Nur sie kann sie wieder freigeben.',
    currency_not_supported:
      'Die Limits gelten in einer anderen Währung. Wählen Sie einen Preis in dieser Währung: {currency}.',
    other: 'Dieser Kauf ist zurzeit nicht möglich. Der Support kann den Grund nachsehen.',
    paid: 'Bezahlt. Der Betrag zählt zu den Limits.',
    paid_late:
      'Verspätet bezahlt, nach dem Ende der Reservierung. Der Betrag zählt zu den Limits und kann sie überschreiten.',
    pending:
      'Die Zahlung ist nicht abgeschlossen. Bis dahin bleibt der Betrag reserviert. Zahlen Sie nicht erneut.',
    waiting_for_guardian:
      'Der App-Store wartet auf die Genehmigung einer sorgeberechtigten Person. Noch ist nichts bezahlt; der Betrag ist reserviert.',
    refunded: 'Vollständig erstattet. Was jetzt verfügbar ist, zeigt die Übersicht.',
    partly_refunded: 'Teilweise erstattet. Was jetzt verfügbar ist, zeigt die Übersicht.',
    not_paid: 'Nicht bezahlt. Es wurde nichts abgebucht, und der Betrag ist nicht mehr reserviert.',
    failed:
      'Die Zahlung ist fehlgeschlagen. Es wurde nichts abgebucht. Ein neuer Versuch ist möglich.',
    unknown:
      'Noch ist nicht bekannt, ob Geld abgebucht wurde. Zahlen Sie nicht erneut, sondern prüfen Sie zuerst diesen Kauf.',
    unavailable:
      'Der Server ist nicht erreichbar. Es wurde nichts abgebucht. Versuchen Sie es später erneut.',
    signed_out: 'Niemand ist angemeldet. Melden Sie sich an, um zu kaufen.',
    allowance_unknown:
      'Der verfügbare Betrag lässt sich zurzeit nicht abrufen. Versuchen Sie es später erneut.',
    no_limit: 'Für dieses Konto gilt kein Limit.',
  },
  labels: {
    allowance: 'Was du ausgeben kannst',
    transaction: 'Auf einmal',
    day: 'Heute',
    week: 'Diese Woche',
    month: 'Diesen Monat',
    year: 'Dieses Jahr',
    lifetime: 'Insgesamt',
    other_period: 'Grenze',
    left: 'noch {remaining} von {cap}',
    up_to: 'bis {cap}',
    used: '{used} ausgegeben, noch {remaining} von {cap}',
    resets: 'Beginnt neu: {resets}',
    some_things: 'Nur für manche Sachen',
    loading: 'Einen Moment …',
    stale: 'Das ist vielleicht nicht mehr aktuell.',
    shelf: 'Sachen zum Kaufen',
    buy: 'Kaufen',
    buy_named: '{product} für {price} kaufen',
    why: 'Warum nicht?',
    why_named: 'Warum nicht? {product}',
    confirm: '{product} kaufen?',
    pay: '{price} bezahlen',
    paying: 'Es wird gerade bezahlt. Du kannst dieses Fenster schließen.',
    bought: 'Gekauft: {product} für {price}.',
    cancel: 'Jetzt nicht',
    close: 'Schließen',
    ok: 'Okay',
    retry: 'Noch einmal versuchen',
    check: 'Noch einmal nachsehen',
    refused: 'Das kannst du gerade nicht kaufen',
    failed: 'Das hat nicht geklappt',
    pending: 'Noch nicht fertig',
    unknown: 'Wir sind noch nicht sicher',
    no_money: 'Es wurde kein Geld abgebucht.',
    rule: 'Die Regel, für Erwachsene',
    law: 'Gesetz',
    guidance: 'veröffentlichte Leitlinie',
    operator: 'Limit dieses Shops',
    unconfirmed: 'nicht bestätigt',
    badge_price: 'Kostet mehr, als du gerade ausgeben kannst',
    badge_age: 'Nicht für dein Alter',
    badge_proof: 'Bestätige zuerst dein Alter',
    badge_guardian: 'Ein Erwachsener muss zuerst Ja sagen',
    badge_other: 'Jetzt nicht möglich',
  },
};
