import type { Messages } from '../explain/messages.ts';

/** Indonesian. */
export const messages: Messages = {
  locale: 'id',
  child: {
    transaction_cap_exceeded:
      'Kamu bisa memakai paling banyak {cap} sekali beli. Pilih sesuatu yang harganya {cap} atau kurang.',
    cap_exceeded:
      'Sekarang kamu bisa memakai paling banyak {remaining}. Pilih yang lebih murah, atau tunggu sampai {resets}.',
    lifetime_cap_exceeded:
      'Sekarang kamu bisa memakai paling banyak {remaining}. Hanya itu yang tersisa untukmu di sini. Tanyakan kepada orang tua atau walimu kalau ada yang belum jelas.',
    cap_reached: 'Jatahmu untuk sekarang sudah habis. Kamu bisa membeli lagi mulai {resets}.',
    lifetime_cap_reached:
      'Jatahmu di sini sudah habis semua. Tanyakan kepada orang tua atau walimu kalau ada yang belum jelas.',
    category_limit: 'Batas ini hanya untuk barang seperti ini.',
    forbidden_for_age:
      'Pemain seumurmu belum bisa membeli di sini. Tanyakan kepada orang tua atau walimu kalau ada yang belum jelas.',
    forbidden_category: 'Pemain seumurmu belum bisa membeli barang seperti ini.',
    something_else: 'Kamu bisa mencari yang lain.',
    age_unverified:
      'Kami belum tahu umurmu. Minta orang tua atau walimu membantu memastikannya, lalu coba lagi.',
    age_not_precise:
      'Untuk membeli ini, kamu perlu menunjukkan bahwa umurmu {age} tahun atau lebih. Minta bantuan orang tua atau walimu, lalu coba lagi.',
    guardian_approval_required:
      'Orang tua atau walimu harus setuju sebelum kamu membeli. Tanyakan dulu kepada mereka.',
    frozen_by_guardian:
      'Orang tua atau walimu sedang menghentikan pembelian. Bicaralah dengan mereka kalau kamu ingin membeli ini.',
    currency_not_supported:
      'Di sini kamu hanya bisa membayar dengan {currency}. Pilih harga dalam {currency}.',
    other:
      'Kamu belum bisa membeli ini sekarang. Tanyakan kepada orang tua atau walimu kalau ada yang belum jelas.',
    paid: 'Kamu sudah membeli ini, dan sudah dibayar. Tidak ada lagi yang perlu kamu lakukan.',
    paid_late: 'Kamu sudah membeli ini. Pembayarannya agak lama, tetapi sudah selesai.',
    pending:
      'Pembayaranmu belum selesai. Jangan bayar lagi. Kalau sudah selesai, terlihat di sini.',
    waiting_for_guardian:
      'Orang tua atau walimu harus setuju dulu. Belum ada yang dibayar. Tunggu jawaban mereka.',
    refunded: 'Uangmu sudah kembali. Lihat berapa yang bisa kamu pakai sekarang.',
    partly_refunded: 'Sebagian uangmu sudah kembali. Lihat berapa yang bisa kamu pakai sekarang.',
    not_paid: 'Kamu tidak membeli ini. Tidak ada uang yang diambil.',
    failed: 'Pembayaran tidak berhasil. Tidak ada uang yang diambil, jadi kamu bisa mencoba lagi.',
    unknown:
      'Kami belum tahu apakah uangnya sudah diambil. Jangan bayar lagi. Lihat lagi sebentar lagi.',
    unavailable:
      'Kami tidak bisa menghubungi toko. Tidak ada uang yang diambil. Coba lagi sebentar lagi.',
    signed_out: 'Kami belum tahu siapa kamu. Masuk dulu untuk membeli di sini.',
    allowance_unknown:
      'Kami belum bisa menunjukkan berapa yang bisa kamu pakai. Coba lagi sebentar lagi.',
    no_limit: 'Tidak ada batas untukmu.',
  },
  adult: {
    transaction_cap_exceeded:
      'Harga melebihi batas untuk satu pembelian. Pembelian sebesar {cap} atau kurang bisa dilakukan.',
    cap_exceeded:
      'Harga melebihi sisa batas ({period}): {remaining} dari {cap}. Sekarang pembelian sebesar {remaining} atau kurang bisa dilakukan. Batas dimulai lagi pada {resets}.',
    lifetime_cap_exceeded:
      'Harga melebihi sisa batas total: {remaining} dari {cap}. Batas ini tidak dimulai lagi. Pembelian sebesar {remaining} atau kurang bisa dilakukan.',
    cap_reached:
      'Batas sebesar {cap} sudah habis ({period}). Pembelian bisa dilakukan lagi mulai {resets}.',
    lifetime_cap_reached:
      'Batas total sebesar {cap} sudah habis dan tidak dimulai lagi. Aturan ini tidak mengizinkan pembelian lagi.',
    category_limit: 'Batas ini hanya menghitung beberapa jenis produk.',
    forbidden_for_age:
      'Aturan tidak mengizinkan pembelian pada usia ini. Jika usia yang tercatat salah, lakukan verifikasi lagi.',
    forbidden_category: 'Aturan tidak mengizinkan jenis produk ini pada usia ini.',
    something_else: 'Produk lain bisa dibeli.',
    age_unverified:
      'Usia pemain belum diverifikasi, atau belum cukup tepercaya. Verifikasi usianya, lalu coba lagi.',
    age_not_precise:
      'Belum terbukti bahwa pemain berusia {age} tahun atau lebih. Dengan bukti itu, pembelian ini bisa dicoba lagi.',
    guardian_approval_required:
      'Orang tua atau wali harus menyetujui pembelian ini. Dapatkan persetujuan, lalu coba lagi.',
    frozen_by_guardian:
      'Orang tua atau wali menghentikan pembelian untuk akun ini. Hanya mereka yang bisa mengaktifkannya lagi.',
    currency_not_supported:
      'Batas dihitung dalam {currency}, sedangkan harganya tidak. Pilih harga dalam {currency}.',
    other: 'Pembelian ini belum bisa dilakukan. Layanan bantuan bisa memeriksa alasannya.',
    paid: 'Sudah dibayar. Jumlahnya dihitung dalam batas.',
    paid_late:
      'Dibayar terlambat, setelah penahanan dana berakhir. Jumlahnya dihitung dalam batas dan bisa melebihinya.',
    pending: 'Pembayaran belum selesai. Sampai selesai, jumlahnya ditahan. Jangan bayar lagi.',
    waiting_for_guardian:
      'Toko aplikasi menunggu persetujuan orang tua atau wali. Belum ada yang dibayar, dan jumlahnya ditahan.',
    refunded: 'Dikembalikan seluruhnya. Jumlah yang tersedia sekarang terlihat bersama batasnya.',
    partly_refunded:
      'Dikembalikan sebagian. Jumlah yang tersedia sekarang terlihat bersama batasnya.',
    not_paid: 'Tidak dibayar. Tidak ada uang yang diambil, dan jumlahnya tidak lagi ditahan.',
    failed: 'Pembayaran gagal. Tidak ada uang yang diambil, dan pembelian bisa dicoba lagi.',
    unknown:
      'Belum diketahui apakah uangnya sudah diambil. Jangan bayar lagi; periksa dulu pembelian ini.',
    unavailable: 'Server tidak bisa dihubungi. Tidak ada uang yang diambil. Coba lagi nanti.',
    signed_out: 'Belum ada yang masuk. Masuk untuk membeli.',
    allowance_unknown: 'Jumlah yang tersedia belum bisa dibaca. Coba lagi nanti.',
    no_limit: 'Tidak ada batas untuk akun ini.',
  },
  labels: {
    allowance: 'Yang bisa kamu pakai',
    transaction: 'Sekali beli',
    day: 'Hari ini',
    week: 'Minggu ini',
    month: 'Bulan ini',
    year: 'Tahun ini',
    lifetime: 'Seluruhnya',
    other_period: 'Batas',
    left: 'sisa {remaining} dari {cap}',
    up_to: 'Paling banyak {cap}',
    used: 'terpakai {used}, sisa {remaining} dari {cap}',
    resets: 'Mulai lagi {resets}',
    some_things: 'Hanya untuk beberapa barang',
    loading: 'Sebentar …',
    stale: 'Ini mungkin bukan angka terbaru.',
    shelf: 'Barang yang bisa dibeli',
    buy: 'Beli',
    buy_named: 'Beli {product} seharga {price}',
    why: 'Kenapa tidak?',
    why_named: 'Kenapa tidak? {product}',
    confirm: 'Beli {product}?',
    pay: 'Bayar {price}',
    paying: 'Pembayaran sedang berjalan. Kamu boleh menutup jendela ini.',
    bought: 'Kamu membeli {product} seharga {price}.',
    cancel: 'Nanti saja',
    close: 'Tutup',
    ok: 'Oke',
    retry: 'Coba lagi',
    check: 'Lihat lagi',
    refused: 'Kamu belum bisa membeli ini',
    failed: 'Tidak berhasil',
    pending: 'Belum selesai',
    unknown: 'Kami belum yakin',
    no_money: 'Tidak ada uang yang diambil.',
    rule: 'Aturannya, untuk orang dewasa',
    law: 'undang-undang',
    guidance: 'pedoman yang diterbitkan',
    operator: 'batas dari toko ini',
    unconfirmed: 'belum dipastikan',
    badge_price: 'Lebih mahal dari yang bisa kamu pakai',
    badge_age: 'Belum untuk umurmu',
    badge_proof: 'Pastikan dulu umurmu',
    badge_guardian: 'Orang dewasa harus setuju dulu',
    badge_other: 'Belum bisa sekarang',
  },
};
