import type { Messages } from '../explain/messages.ts';

/** Portuguese, as written in Brazil. */
export const messages: Messages = {
  locale: 'pt-BR',
  child: {
    transaction_cap_exceeded:
      'Você pode gastar até {cap} de uma vez. Escolha algo que custe {cap} ou menos.',
    cap_exceeded:
      'Agora você pode gastar até {remaining}. Escolha algo mais barato ou espere até {resets}.',
    lifetime_cap_exceeded:
      'Agora você pode gastar até {remaining}. É tudo o que ainda resta aqui. Se tiver dúvidas, fale com seus pais ou responsáveis.',
    cap_reached:
      'Você já gastou tudo o que podia por enquanto. Você vai poder comprar de novo a partir de {resets}.',
    lifetime_cap_reached:
      'Você já gastou tudo o que podia aqui. Se tiver dúvidas, fale com seus pais ou responsáveis.',
    category_limit: 'Este limite vale só para este tipo de coisa.',
    forbidden_for_age:
      'Na sua idade não dá para comprar aqui. Se tiver dúvidas, fale com seus pais ou responsáveis.',
    forbidden_category: 'Na sua idade não dá para comprar este tipo de coisa.',
    something_else: 'Você pode procurar outra coisa.',
    age_unverified:
      'Ainda não sabemos a sua idade. Peça ajuda aos seus pais ou responsáveis para confirmar e tente de novo.',
    age_not_precise:
      'Para comprar isto, você precisa mostrar que tem {age} anos ou mais. Peça ajuda aos seus pais ou responsáveis e tente de novo.',
    guardian_approval_required:
      'Antes de comprar, seus pais ou responsáveis precisam dizer sim. Pergunte a eles primeiro.',
    frozen_by_guardian:
      'Seus pais ou responsáveis pausaram as compras. Converse com eles se quiser comprar isto.',
    currency_not_supported:
      'Aqui só dá para pagar nesta moeda: {currency}. Escolha um preço nessa moeda.',
    other: 'Agora não dá para comprar isto. Se tiver dúvidas, fale com seus pais ou responsáveis.',
    paid: 'Você comprou e já está pago. Não precisa fazer mais nada.',
    paid_late: 'Você comprou. O pagamento demorou um pouco mais, mas deu certo.',
    pending:
      'O pagamento ainda não terminou. Não pague de novo. Quando terminar, vai aparecer aqui.',
    waiting_for_guardian:
      'Primeiro seus pais ou responsáveis precisam dizer sim. Nada foi pago ainda. Espere a resposta deles.',
    refunded: 'Seu dinheiro voltou. Veja quanto você pode gastar agora.',
    partly_refunded: 'Uma parte do seu dinheiro voltou. Veja quanto você pode gastar agora.',
    not_paid: 'Você não comprou isto. Nenhum dinheiro foi cobrado.',
    failed: 'O pagamento não deu certo. Nenhum dinheiro foi cobrado. Você pode tentar de novo.',
    unknown:
      'Ainda não sabemos se o dinheiro foi cobrado. Não pague de novo. Olhe outra vez daqui a pouco.',
    unavailable:
      'Não conseguimos falar com a loja. Nenhum dinheiro foi cobrado. Tente de novo daqui a pouco.',
    signed_out: 'Ainda não sabemos quem você é. Entre na sua conta para comprar aqui.',
    allowance_unknown:
      'Agora não conseguimos mostrar quanto você pode gastar. Tente de novo daqui a pouco.',
    no_limit: 'Você não tem nenhum limite.',
  },
  adult: {
    transaction_cap_exceeded:
      'O preço passa do limite por compra. É possível uma compra de {cap} ou menos.',
    cap_exceeded:
      'O preço passa do que resta do limite ({period}): {remaining} de {cap}. Agora é possível uma compra de {remaining} ou menos. Recomeço do limite: {resets}.',
    lifetime_cap_exceeded:
      'O preço passa do que resta do limite total: {remaining} de {cap}. Este limite não recomeça. É possível uma compra de {remaining} ou menos.',
    cap_reached:
      'O limite de {cap} acabou ({period}). As compras voltam a ser possíveis a partir de {resets}.',
    lifetime_cap_reached:
      'O limite total de {cap} acabou e não recomeça. Esta regra não permite mais compras.',
    category_limit: 'Este limite conta só alguns tipos de produtos.',
    forbidden_for_age:
      'As regras não permitem compras nesta idade. Se a idade registrada estiver errada, verifique-a de novo.',
    forbidden_category: 'As regras não permitem este tipo de produto nesta idade.',
    something_else: 'Outros produtos são possíveis.',
    age_unverified:
      'A idade não foi verificada, ou não de forma confiável o bastante. Verifique a idade e tente de novo.',
    age_not_precise:
      'Não há prova de uma idade de {age} anos ou mais. Com essa prova, a compra pode ser tentada de novo.',
    guardian_approval_required:
      'O pai, a mãe ou o responsável precisa aprovar esta compra. Obtenha a aprovação e tente de novo.',
    frozen_by_guardian:
      'O pai, a mãe ou o responsável pausou as compras desta conta. Ninguém mais pode liberá-las.',
    currency_not_supported:
      'Os limites estão em outra moeda. Escolha um preço nesta moeda: {currency}.',
    other: 'Esta compra não é possível agora. O suporte pode consultar o motivo.',
    paid: 'Pago. O valor conta para os limites.',
    paid_late:
      'Pago com atraso, depois do fim da reserva. O valor conta para os limites e pode ultrapassá-los.',
    pending: 'O pagamento não terminou. Até lá, o valor continua reservado. Não pague de novo.',
    waiting_for_guardian:
      'A loja de aplicativos espera a aprovação do pai, da mãe ou do responsável. Nada foi pago ainda, e o valor está reservado.',
    refunded: 'Reembolsado por completo. O valor disponível aparece junto dos limites.',
    partly_refunded: 'Reembolsado em parte. O valor disponível aparece junto dos limites.',
    not_paid: 'Não pago. Nada foi cobrado, e o valor não está mais reservado.',
    failed: 'O pagamento falhou. Nada foi cobrado. É possível tentar de novo.',
    unknown:
      'Ainda não se sabe se o dinheiro foi cobrado. Não pague de novo; consulte primeiro esta compra.',
    unavailable: 'O servidor não responde. Nada foi cobrado. Tente de novo mais tarde.',
    signed_out: 'Ninguém entrou na conta. Entre para comprar.',
    allowance_unknown:
      'Não é possível ler o valor disponível no momento. Tente de novo mais tarde.',
    no_limit: 'Nenhum limite se aplica a esta conta.',
  },
  labels: {
    allowance: 'Quanto você pode gastar',
    transaction: 'De uma vez',
    day: 'Hoje',
    week: 'Esta semana',
    month: 'Este mês',
    year: 'Este ano',
    lifetime: 'No total',
    other_period: 'Limite',
    left: 'restam {remaining} de {cap}',
    up_to: 'Até {cap}',
    used: '{used} gastos, restam {remaining} de {cap}',
    resets: 'Recomeça: {resets}',
    some_things: 'Só para algumas coisas',
    loading: 'Um momento…',
    stale: 'Isto pode estar desatualizado.',
    shelf: 'Coisas para comprar',
    buy: 'Comprar',
    buy_named: 'Comprar {product} por {price}',
    why: 'Por que não?',
    why_named: 'Por que não? {product}',
    confirm: 'Comprar {product}?',
    pay: 'Pagar {price}',
    paying: 'O pagamento está em andamento. Você pode fechar esta janela.',
    bought: 'Você comprou {product} por {price}.',
    cancel: 'Agora não',
    close: 'Fechar',
    ok: 'Certo',
    retry: 'Tentar de novo',
    check: 'Olhar de novo',
    refused: 'Agora não dá para comprar isto',
    failed: 'Não deu certo',
    pending: 'Ainda não terminou',
    unknown: 'Ainda não temos certeza',
    no_money: 'Nenhum dinheiro foi cobrado.',
    rule: 'A regra, para adultos',
    law: 'lei',
    guidance: 'orientação publicada',
    operator: 'limite desta loja',
    unconfirmed: 'não confirmado',
    badge_price: 'Custa mais do que você pode gastar agora',
    badge_age: 'Não é para a sua idade',
    badge_proof: 'Confirme primeiro a sua idade',
    badge_guardian: 'Um adulto precisa dizer sim primeiro',
    badge_other: 'Agora não dá',
  },
};
