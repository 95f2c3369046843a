import type { Messages } from '../explain/messages.ts';

/** Spanish. */
export const messages: Messages = {
  locale: 'es',
  child: {
    transaction_cap_exceeded:
      'Puedes gastar hasta {cap} de una vez. Elige algo que cueste {cap} o menos.',
    cap_exceeded:
      'Ahora puedes gastar hasta {remaining}. Elige algo más barato o espera hasta el {resets}.',
    lifetime_cap_exceeded:
      'Ahora puedes gastar hasta {remaining}. Es todo lo que te queda aquí. Si tienes preguntas, habla con tus padres o con quien te cuida.',
    cap_reached:
      'Ya gastaste todo lo que puedes por ahora. Podrás volver a comprar a partir del {resets}.',
    lifetime_cap_reached:
      'Ya gastaste todo lo que puedes aquí. Si tienes preguntas, habla con tus padres o con quien te cuida.',
    category_limit: 'Este límite es solo para este tipo de cosas.',
    forbidden_for_age:
      'A tu edad no se puede comprar aquí. Si tienes preguntas, habla con tus padres o con quien te cuida.',
    forbidden_category: 'A tu edad no se puede comprar este tipo de cosas.',
    something_else: 'Puedes buscar otra cosa.',
    age_unverified:
      'Todavía no sabemos tu edad. Pide a tus padres o a quien te cuida que te ayuden a confirmarla y vuelve a intentarlo.',
    age_not_precise:
      'Para comprar esto tienes que mostrar que tienes {age} años o más. Pide ayuda a tus padres o a quien te cuida y vuelve a intentarlo.',
    guardian_approval_required:
      'Antes de comprar, tus padres o quien te cuida tienen que decir que sí. Pregúntales primero.',
    frozen_by_guardian:
      'Tus padres o quien te cuida han pausado las compras. Habla con ellos si quieres comprar esto.',
    currency_not_supported:
      'Aquí solo se puede pagar en esta moneda: {currency}. Elige un precio en esa moneda.',
    other:
      'Ahora no puedes comprar esto. Si tienes preguntas, habla con tus padres o con quien te cuida.',
    paid: 'Ya lo compraste y está pagado. No tienes que hacer nada más.',
    paid_late: 'Ya lo compraste. El pago tardó un poco más, pero está hecho.',
    pending: 'El pago todavía no ha terminado. No pagues otra vez. Cuando termine, lo verás aquí.',
    waiting_for_guardian:
      'Primero tus padres o quien te cuida tienen que decir que sí. Todavía no se ha pagado nada. Espera su respuesta.',
    refunded: 'Te devolvieron tu dinero. Mira cuánto puedes gastar ahora.',
    partly_refunded: 'Te devolvieron una parte de tu dinero. Mira cuánto puedes gastar ahora.',
    not_paid: 'No compraste esto. No se cobró nada.',
    failed: 'El pago no funcionó. No se cobró nada. Puedes intentarlo otra vez.',
    unknown:
      'Todavía no sabemos si se cobró el dinero. No pagues otra vez. Vuelve a mirar en un momento.',
    unavailable:
      'No podemos conectar con la tienda. No se cobró nada. Inténtalo otra vez en un momento.',
    signed_out: 'Todavía no sabemos quién eres. Inicia sesión para comprar aquí.',
    allowance_unknown:
      'Ahora no podemos mostrar cuánto puedes gastar. Inténtalo otra vez en un momento.',
    no_limit: 'No tienes ningún límite.',
  },
  adult: {
    transaction_cap_exceeded:
      'El precio supera el límite por compra. Es posible una compra de {cap} o menos.',
    cap_exceeded:
      'El precio supera lo que queda del límite ({period}): {remaining} de {cap}. Ahora es posible una compra de {remaining} o menos. El límite se reinicia el {resets}.',
    lifetime_cap_exceeded:
      'El precio supera lo que queda del límite total: {remaining} de {cap}. Este límite no se reinicia. Es posible una compra de {remaining} o menos.',
    cap_reached:
      'El límite de {cap} está agotado ({period}). Las compras serán posibles de nuevo a partir del {resets}.',
    lifetime_cap_reached:
      'El límite total de {cap} está agotado y no se reinicia. Esta regla no permite más compras.',
    category_limit: 'Este límite cuenta solo algunos tipos de productos.',
    forbidden_for_age:
      'Las reglas no permiten compras a esta edad. Si la edad registrada es incorrecta, verifíquela de nuevo.',
    forbidden_category: 'Las reglas no permiten este tipo de producto a esta edad.',
    something_else: 'Otros productos son posibles.',
    age_unverified:
      'La edad no está verificada o no con suficiente fiabilidad. Verifique la edad y vuelva a intentarlo.',
    age_not_precise:
      'No está demostrada una edad de {age} años o más. Con esa prueba se puede volver a intentar la compra.',
    guardian_approval_required:
      'El padre, la madre o el tutor debe aprobar esta compra. Obtenga la aprobación y vuelva a intentarlo.',
    frozen_by_guardian:
      'El padre, la madre o el tutor ha pausado las compras de esta cuenta. Nadie más puede reanudarlas.',
    currency_not_supported:
      'Los límites están en otra moneda. Elija un precio en esta moneda: {currency}.',
    other: 'Esta compra no es posible ahora. El servicio de ayuda puede consultar el motivo.',
    paid: 'Pagado. El importe cuenta para los límites.',
    paid_late:
      'Pagado tarde, después de terminar la reserva. El importe cuenta para los límites y puede superarlos.',
    pending:
      'El pago no ha terminado. Hasta entonces, el importe queda reservado. No pague otra vez.',
    waiting_for_guardian:
      'La tienda de aplicaciones espera la aprobación del padre, la madre o el tutor. Aún no se ha pagado, y el importe está reservado.',
    refunded: 'Reembolsado por completo. El importe disponible se muestra con los límites.',
    partly_refunded: 'Reembolsado en parte. El importe disponible se muestra con los límites.',
    not_paid: 'No pagado. No se cobró nada, y el importe ya no está reservado.',
    failed: 'El pago ha fallado. No se cobró nada. Se puede volver a intentar.',
    unknown:
      'Aún no se sabe si se cobró el dinero. No pague otra vez; consulte primero esta compra.',
    unavailable:
      'No se puede conectar con el servidor. No se cobró nada. Vuelva a intentarlo más tarde.',
    signed_out: 'Nadie ha iniciado sesión. Inicie sesión para comprar.',
    allowance_unknown:
      'En este momento no se puede leer el importe disponible. Vuelva a intentarlo más tarde.',
    no_limit: 'Esta cuenta no tiene ningún límite.',
  },
  labels: {
    allowance: 'Lo que puedes gastar',
    transaction: 'De una vez',
    day: 'Hoy',
    week: 'Esta semana',
    month: 'Este mes',
    year: 'Este año',
    lifetime: 'En total',
    other_period: 'Límite',
    left: 'quedan {remaining} de {cap}',
    up_to: 'Hasta {cap}',
    used: '{used} gastados, quedan {remaining} de {cap}',
    resets: 'Se reinicia el {resets}',
    some_things: 'Solo para algunas cosas',
    loading: 'Un momento…',
    stale: 'Puede que esto no esté al día.',
    shelf: 'Cosas para comprar',
    buy: 'Comprar',
    buy_named: 'Comprar {product} por {price}',
    why: '¿Por qué no?',
    why_named: '¿Por qué no? {product}',
    confirm: '¿Comprar {product}?',
    pay: 'Pagar {price}',
    paying: 'Se está haciendo el pago. Puedes cerrar esta ventana.',
    bought: 'Compraste {product} por {price}.',
    cancel: 'Ahora no',
    close: 'Cerrar',
    ok: 'De acuerdo',
    retry: 'Intentar otra vez',
    check: 'Volver a mirar',
    refused: 'Ahora no puedes comprar esto',
    failed: 'No funcionó',
    pending: 'Todavía no ha terminado',
    unknown: 'Todavía no estamos seguros',
    no_money: 'No se cobró nada.',
    rule: 'La regla, para personas adultas',
    law: 'ley',
    guidance: 'recomendación publicada',
    operator: 'límite de esta tienda',
    unconfirmed: 'sin confirmar',
    badge_price: 'Cuesta más de lo que puedes gastar ahora',
    badge_age: 'No es para tu edad',
    badge_proof: 'Confirma primero tu edad',
    badge_guardian: 'Primero pide permiso en casa',
    badge_other: 'Ahora no es posible',
  },
};
