import type { Messages } from '../explain/messages.ts';

/** Vietnamese. */
export const messages: Messages = {
  locale: 'vi',
  child: {
    transaction_cap_exceeded:
      'Mỗi lần bạn có thể tiêu nhiều nhất {cap}. Hãy chọn món có giá không quá {cap}.',
    cap_exceeded:
      'Bây giờ bạn có thể tiêu nhiều nhất {remaining}. Hãy chọn món rẻ hơn, hoặc chờ đến {resets}.',
    lifetime_cap_exceeded:
      'Bây giờ bạn có thể tiêu nhiều nhất {remaining}. Đó là tất cả số tiền bạn còn được tiêu ở đây. Nếu có thắc mắc, hãy hỏi bố mẹ hoặc người giám hộ.',
    cap_reached: 'Bạn đã tiêu hết số tiền được tiêu lúc này. Bạn có thể mua tiếp từ {resets}.',
    lifetime_cap_reached:
      'Bạn đã tiêu hết số tiền được tiêu ở đây. Nếu có thắc mắc, hãy hỏi bố mẹ hoặc người giám hộ.',
    category_limit: 'Giới hạn này chỉ dành cho loại này.',
    forbidden_for_age:
      'Ở tuổi của bạn thì chưa mua được ở đây. Nếu có thắc mắc, hãy hỏi bố mẹ hoặc người giám hộ.',
    forbidden_category: 'Ở tuổi của bạn thì chưa mua được loại này.',
    something_else: 'Bạn có thể tìm món khác.',
    age_unverified:
      'Chúng mình chưa biết tuổi của bạn. Hãy nhờ bố mẹ hoặc người giám hộ giúp xác nhận tuổi, rồi thử lại.',
    age_not_precise:
      'Để mua món này, bạn cần cho thấy mình từ {age} tuổi trở lên. Hãy nhờ bố mẹ hoặc người giám hộ giúp, rồi thử lại.',
    guardian_approval_required:
      'Bố mẹ hoặc người giám hộ phải đồng ý trước khi bạn mua. Hãy hỏi họ trước.',
    frozen_by_guardian:
      'Bố mẹ hoặc người giám hộ đã tạm dừng việc mua. Nếu muốn mua món này, hãy nói chuyện với họ.',
    currency_not_supported:
      'Ở đây chỉ trả được bằng {currency}. Hãy chọn món có giá bằng {currency}.',
    other: 'Bây giờ bạn chưa mua được món này. Nếu có thắc mắc, hãy hỏi bố mẹ hoặc người giám hộ.',
    paid: 'Bạn đã mua món này và đã trả tiền xong. Bạn không cần làm gì thêm.',
    paid_late: 'Bạn đã mua món này. Việc trả tiền hơi lâu một chút, nhưng đã xong.',
    pending: 'Việc trả tiền chưa xong. Đừng trả thêm lần nữa. Khi xong, bạn sẽ thấy ở đây.',
    waiting_for_guardian:
      'Bố mẹ hoặc người giám hộ phải đồng ý trước. Chưa có khoản nào được trả. Hãy chờ câu trả lời.',
    refunded: 'Bạn đã được trả lại tiền. Hãy xem bây giờ bạn có thể tiêu bao nhiêu.',
    partly_refunded:
      'Bạn đã được trả lại một phần tiền. Hãy xem bây giờ bạn có thể tiêu bao nhiêu.',
    not_paid: 'Bạn đã không mua món này. Không có khoản tiền nào bị trừ.',
    failed: 'Việc trả tiền không thành công. Không có khoản tiền nào bị trừ. Bạn có thể thử lại.',
    unknown:
      'Chúng mình chưa biết tiền đã bị trừ hay chưa. Đừng trả thêm lần nữa. Một lát nữa hãy xem lại.',
    unavailable:
      'Không kết nối được với cửa hàng. Không có khoản tiền nào bị trừ. Một lát nữa hãy thử lại.',
    signed_out: 'Chúng mình chưa biết bạn là ai. Hãy đăng nhập để mua ở đây.',
    allowance_unknown: 'Bây giờ chưa xem được bạn có thể tiêu bao nhiêu. Một lát nữa hãy thử lại.',
    no_limit: 'Bạn không có giới hạn nào.',
  },
  adult: {
    transaction_cap_exceeded:
      'Giá vượt quá giới hạn cho một lần mua. Có thể mua sản phẩm có giá không quá {cap}.',
    cap_exceeded:
      'Giá vượt quá phần còn lại của giới hạn ({period}): {remaining} trên {cap}. Hiện có thể mua sản phẩm có giá không quá {remaining}. Giới hạn bắt đầu lại từ {resets}.',
    lifetime_cap_exceeded:
      'Giá vượt quá phần còn lại của tổng giới hạn: {remaining} trên {cap}. Giới hạn này không bắt đầu lại. Có thể mua sản phẩm có giá không quá {remaining}.',
    cap_reached: 'Giới hạn {cap} đã hết ({period}). Có thể mua tiếp từ {resets}.',
    lifetime_cap_reached:
      'Tổng giới hạn {cap} đã hết và không bắt đầu lại. Quy định này không cho phép mua thêm.',
    category_limit: 'Giới hạn này chỉ tính một số loại sản phẩm.',
    forbidden_for_age:
      'Quy định không cho phép mua ở độ tuổi này. Nếu tuổi đã ghi nhận bị sai, hãy xác minh lại.',
    forbidden_category: 'Quy định không cho phép loại sản phẩm này ở độ tuổi này.',
    something_else: 'Có thể mua các sản phẩm khác.',
    age_unverified:
      'Tuổi của người chơi chưa được xác minh, hoặc chưa đủ tin cậy. Hãy xác minh tuổi rồi thử lại.',
    age_not_precise:
      'Chưa có bằng chứng rằng người chơi từ {age} tuổi trở lên. Nếu có, có thể thử lại giao dịch này.',
    guardian_approval_required:
      'Cha mẹ hoặc người giám hộ phải chấp thuận giao dịch này. Hãy xin chấp thuận rồi thử lại.',
    frozen_by_guardian:
      'Cha mẹ hoặc người giám hộ đã tạm dừng việc mua của tài khoản này. Chỉ họ mới có thể mở lại.',
    currency_not_supported:
      'Giới hạn được tính bằng {currency}, còn giá thì không. Hãy chọn giá bằng {currency}.',
    other: 'Hiện chưa thể thực hiện giao dịch này. Bộ phận hỗ trợ có thể tra cứu lý do.',
    paid: 'Đã thanh toán. Số tiền được tính vào giới hạn.',
    paid_late:
      'Thanh toán muộn, sau khi hết thời gian giữ. Số tiền được tính vào giới hạn và có thể vượt quá.',
    pending:
      'Thanh toán chưa hoàn tất. Số tiền được giữ cho đến khi hoàn tất. Đừng thanh toán thêm lần nữa.',
    waiting_for_guardian:
      'Cửa hàng ứng dụng đang chờ cha mẹ hoặc người giám hộ chấp thuận. Chưa có khoản nào được trả, và số tiền đang được giữ.',
    refunded: 'Đã hoàn tiền toàn bộ. Số tiền hiện có thể dùng được hiển thị cùng giới hạn.',
    partly_refunded: 'Đã hoàn tiền một phần. Số tiền hiện có thể dùng được hiển thị cùng giới hạn.',
    not_paid: 'Chưa thanh toán. Không có khoản nào bị trừ, và số tiền không còn bị giữ.',
    failed: 'Thanh toán thất bại. Không có khoản nào bị trừ. Có thể thử lại.',
    unknown:
      'Chưa rõ tiền đã bị trừ hay chưa. Đừng thanh toán thêm lần nữa; hãy kiểm tra giao dịch này trước.',
    unavailable: 'Không kết nối được với máy chủ. Không có khoản nào bị trừ. Hãy thử lại sau.',
    signed_out: 'Chưa có ai đăng nhập. Hãy đăng nhập để mua.',
    allowance_unknown: 'Hiện chưa đọc được số tiền có thể dùng. Hãy thử lại sau.',
    no_limit: 'Tài khoản này không có giới hạn nào.',
  },
  labels: {
    allowance: 'Số tiền bạn có thể tiêu',
    transaction: 'Mỗi lần',
    day: 'Hôm nay',
    week: 'Tuần này',
    month: 'Tháng này',
    year: 'Năm nay',
    lifetime: 'Tổng cộng',
    other_period: 'Giới hạn',
    left: 'còn {remaining} trên {cap}',
    up_to: 'Nhiều nhất {cap}',
    used: 'đã tiêu {used}, còn {remaining} trên {cap}',
    resets: 'Bắt đầu lại từ {resets}',
    some_things: 'Chỉ dành cho một số món',
    loading: 'Chờ một chút…',
    stale: 'Số này có thể chưa phải mới nhất.',
    shelf: 'Các món có thể mua',
    buy: 'Mua',
    buy_named: 'Mua {product} với giá {price}',
    why: 'Vì sao?',
    why_named: 'Vì sao? {product}',
    confirm: 'Mua {product} nhé?',
    pay: 'Trả {price}',
    paying: 'Đang trả tiền. Bạn có thể đóng cửa sổ này.',
    bought: 'Bạn đã mua {product} với giá {price}.',
    cancel: 'Để sau',
    close: 'Đóng',
    ok: 'Đồng ý',
    retry: 'Thử lại',
    check: 'Xem lại',
    refused: 'Bây giờ bạn chưa mua được món này',
    failed: 'Chưa thành công',
    pending: 'Chưa xong',
    unknown: 'Chúng mình chưa chắc',
    no_money: 'Không có khoản tiền nào bị trừ.',
    rule: 'Quy định, dành cho người lớn',
    law: 'luật',
    guidance: 'hướng dẫn đã công bố',
    operator: 'giới hạn của cửa hàng này',
    unconfirmed: 'chưa xác nhận',
    badge_price: 'Đắt hơn số tiền bạn có thể tiêu',
    badge_age: 'Chưa hợp với tuổi của bạn',
    badge_proof: 'Hãy xác nhận tuổi trước',
    badge_guardian: 'Người lớn phải đồng ý trước',
    badge_other: 'Bây giờ thì chưa được',
  },
};
