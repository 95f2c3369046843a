import type { Messages } from '../explain/messages.ts';

/** French. */
export const messages: Messages = {
  locale: 'fr',
  child: {
    transaction_cap_exceeded:
      'Tu peux dépenser au plus {cap} en une fois. Choisis quelque chose qui ne coûte pas plus de {cap}.',
    cap_exceeded:
      'Tu peux dépenser au plus {remaining} maintenant. Choisis quelque chose de moins cher ou attends jusqu’au {resets}.',
    lifetime_cap_exceeded:
      'Tu peux dépenser au plus {remaining} maintenant. C’est tout ce qu’il te reste ici. Si tu as des questions, parles-en à un parent ou à l’adulte qui s’occupe de toi.',
    cap_reached:
      'Tu as dépensé tout ce que tu pouvais pour l’instant. Tu pourras de nouveau acheter à partir du {resets}.',
    lifetime_cap_reached:
      'Tu as dépensé tout ce que tu pouvais ici. Si tu as des questions, parles-en à un parent ou à l’adulte qui s’occupe de toi.',
    category_limit: 'Cette limite ne concerne que ce genre de choses.',
    forbidden_for_age:
      'À ton âge, on ne peut rien acheter ici. Si tu as des questions, parles-en à un parent ou à l’adulte qui s’occupe de toi.',
    forbidden_category: 'À ton âge, on ne peut pas acheter ce genre de choses.',
    something_else: 'Tu peux choisir autre chose.',
    age_unverified:
      'Nous ne connaissons pas encore ton âge. Demande à un parent ou à l’adulte qui s’occupe de toi de t’aider à le confirmer, puis réessaie.',
    age_not_precise:
      'Pour acheter ça, tu dois montrer que tu as {age} ans ou plus. Demande de l’aide à un parent ou à l’adulte qui s’occupe de toi, puis réessaie.',
    guardian_approval_required:
      'Avant d’acheter, il faut l’accord d’un parent ou de l’adulte qui s’occupe de toi. Demande-lui d’abord.',
    frozen_by_guardian:
      'Un parent ou l’adulte qui s’occupe de toi a mis les achats en pause. Parle avec lui si tu veux acheter ça.',
    currency_not_supported:
      'Ici, on peut payer seulement dans cette monnaie\u00a0: {currency}. Choisis un prix dans cette monnaie.',
    other:
      'Tu ne peux pas acheter ça maintenant. Si tu as des questions, parles-en à un parent ou à l’adulte qui s’occupe de toi.',
    paid: 'C’est acheté et c’est payé. Tu n’as plus rien à faire.',
    paid_late: 'C’est acheté. Le paiement a pris un peu plus de temps, mais c’est fait.',
    pending:
      'Le paiement n’est pas encore terminé. Ne paie pas une deuxième fois. Quand ce sera fini, tu le verras ici.',
    waiting_for_guardian:
      'Il faut d’abord l’accord d’un parent ou de l’adulte qui s’occupe de toi. Rien n’est encore payé. Attends sa réponse.',
    refunded: 'On t’a rendu ton argent. Regarde ce que tu peux dépenser maintenant.',
    partly_refunded:
      'On t’a rendu une partie de ton argent. Regarde ce que tu peux dépenser maintenant.',
    not_paid: 'Tu n’as pas acheté ça. L’argent n’a pas été pris.',
    failed: 'Le paiement n’a pas marché. L’argent n’a pas été pris. Tu peux réessayer.',
    unknown:
      'Nous ne savons pas encore si l’argent a été pris. Ne paie pas une deuxième fois. Regarde de nouveau dans un instant.',
    unavailable:
      'Nous n’arrivons pas à joindre la boutique. L’argent n’a pas été pris. Réessaie dans un instant.',
    signed_out: 'Nous ne savons pas encore qui tu es. Connecte-toi pour acheter ici.',
    allowance_unknown:
      'Nous ne pouvons pas montrer ce que tu peux dépenser en ce moment. Réessaie dans un instant.',
    no_limit: 'Il n’y a pas de limite pour toi.',
  },
  adult: {
    transaction_cap_exceeded:
      'Le prix dépasse la limite pour un seul achat. Un achat de {cap} au plus est possible.',
    cap_exceeded:
      'Le prix dépasse ce qu’il reste de la limite ({period})\u00a0: {remaining} sur {cap}. Un achat de {remaining} au plus est possible maintenant. La limite repart à zéro le {resets}.',
    lifetime_cap_exceeded:
      'Le prix dépasse ce qu’il reste de la limite totale\u00a0: {remaining} sur {cap}. Cette limite ne repart jamais à zéro. Un achat de {remaining} au plus est possible.',
    cap_reached:
      'La limite de {cap} est atteinte ({period}). Les achats seront de nouveau possibles à partir du {resets}.',
    lifetime_cap_reached:
      'La limite totale de {cap} est atteinte et ne repart jamais à zéro. Cette règle ne permet plus d’achat.',
    category_limit: 'Cette limite ne compte que certains types de produits.',
    forbidden_for_age:
      'Les règles ne permettent aucun achat à cet âge. Si l’âge enregistré est faux, faites-le vérifier de nouveau.',
    forbidden_category: 'Les règles ne permettent pas ce type de produit à cet âge.',
    something_else: 'D’autres produits sont possibles.',
    age_unverified:
      'L’âge n’est pas vérifié, ou pas de façon assez fiable. Faites vérifier l’âge, puis réessayez.',
    age_not_precise:
      'Rien ne prouve un âge de {age} ans ou plus. Avec cette preuve, l’achat peut être tenté de nouveau.',
    guardian_approval_required:
      'Un parent ou un tuteur doit approuver cet achat. Obtenez son accord, puis réessayez.',
    frozen_by_guardian:
      'Un parent ou un tuteur a suspendu les achats de ce compte. Lui seul peut les rétablir.',
    currency_not_supported:
      'Les limites sont dans une autre monnaie. Choisissez un prix dans cette monnaie\u00a0: {currency}.',
    other: 'Cet achat n’est pas possible maintenant. L’assistance peut en rechercher la raison.',
    paid: 'Payé. Le montant compte dans les limites.',
    paid_late:
      'Payé en retard, après la fin de la réservation. Le montant compte dans les limites et peut les dépasser.',
    pending:
      'Le paiement n’est pas terminé. D’ici là, le montant reste réservé. Ne payez pas une seconde fois.',
    waiting_for_guardian:
      'La boutique d’applications attend l’accord d’un parent ou d’un tuteur. Rien n’est encore payé, et le montant est réservé.',
    refunded: 'Remboursé en totalité. Le montant disponible est affiché avec les limites.',
    partly_refunded: 'Remboursé en partie. Le montant disponible est affiché avec les limites.',
    not_paid: 'Non payé. Rien n’a été débité, et le montant n’est plus réservé.',
    failed: 'Le paiement a échoué. Rien n’a été débité. Un nouvel essai est possible.',
    unknown:
      'On ne sait pas encore si l’argent a été débité. Ne payez pas une seconde fois\u00a0; vérifiez d’abord cet achat.',
    unavailable: 'Le serveur est injoignable. Rien n’a été débité. Réessayez plus tard.',
    signed_out: 'Personne n’est connecté. Connectez-vous pour acheter.',
    allowance_unknown:
      'Le montant disponible ne peut pas être lu pour le moment. Réessayez plus tard.',
    no_limit: 'Aucune limite ne s’applique à ce compte.',
  },
  labels: {
    allowance: 'Ce que tu peux dépenser',
    transaction: 'En une fois',
    day: 'Aujourd’hui',
    week: 'Cette semaine',
    month: 'Ce mois-ci',
    year: 'Cette année',
    lifetime: 'En tout',
    other_period: 'Limite',
    left: 'il reste {remaining} sur {cap}',
    up_to: 'jusqu’à {cap}',
    used: '{used} dépensés, il reste {remaining} sur {cap}',
    resets: 'Repart à zéro le {resets}',
    some_things: 'Seulement pour certaines choses',
    loading: 'Un instant…',
    stale: 'Ce n’est peut-être plus à jour.',
    shelf: 'Choses à acheter',
    buy: 'Acheter',
    buy_named: 'Acheter {product} pour {price}',
    why: 'Pourquoi pas\u00a0?',
    why_named: 'Pourquoi pas\u00a0? {product}',
    confirm: 'Acheter {product}\u00a0?',
    pay: 'Payer {price}',
    paying: 'Le paiement est en cours. Tu peux fermer cette fenêtre.',
    bought: 'Acheté\u00a0: {product} pour {price}.',
    cancel: 'Pas maintenant',
    close: 'Fermer',
    ok: 'D’accord',
    retry: 'Réessayer',
    check: 'Regarder de nouveau',
    refused: 'Tu ne peux pas acheter ça maintenant',
    failed: 'Ça n’a pas marché',
    pending: 'Pas encore terminé',
    unknown: 'Nous ne sommes pas encore sûrs',
    no_money: 'L’argent n’a pas été pris.',
    rule: 'La règle, pour les adultes',
    law: 'loi',
    guidance: 'recommandation publiée',
    operator: 'limite de cette boutique',
    unconfirmed: 'non confirmé',
    badge_price: 'Coûte plus que ce que tu peux dépenser',
    badge_age: 'Pas pour ton âge',
    badge_proof: 'Confirme d’abord ton âge',
    badge_guardian: 'Un adulte doit d’abord dire oui',
    badge_other: 'Pas maintenant, désolé',
  },
};
