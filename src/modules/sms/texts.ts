/** What a code is for. */
export type CodePurpose = 'login' | 'reset' | 'delete'

interface Text extends Record<CodePurpose, string> {
  /** `{code}`, `{sender}` and `{purpose}` are filled in. The code comes first, for previews on a locked screen. */
  text: string
}

const CHINESE_TRADITIONAL: Text = {
  text: '{code} 是您的 {sender} {purpose}驗證碼，5 分鐘內有效，請勿告訴他人。',
  login: '登入',
  reset: '重設密碼',
  delete: '刪除帳號',
}

/**
 * Each fits into one SMS with a sender name of up to 6 characters: 160 characters of GSM 03.38, or 70 where a letter
 * is not in it. So Spanish avoids `código`. English comes first: it is the default.
 */
const TEXTS: Record<string, Text> = {
  en: {
    text: '{code} is your {sender} code to {purpose}. It is valid for 5 minutes. Do not share it with anyone.',
    login: 'log in',
    reset: 'reset your password',
    delete: 'DELETE your account',
  },
  ar: {
    text: '{code} رمز {sender} {purpose}. صالح 5 دقائق. لا تشاركه.',
    login: 'لتسجيل الدخول',
    reset: 'لتغيير كلمة المرور',
    delete: 'لحذف الحساب',
  },
  de: {
    text: '{code} ist Ihr {sender}-Code, um {purpose}. Er gilt 5 Minuten. Geben Sie ihn nicht weiter.',
    login: 'sich anzumelden',
    reset: 'das Passwort neu zu setzen',
    delete: 'das Konto zu LÖSCHEN',
  },
  es: {
    text: '{code} es tu clave de {sender} para {purpose}. Vale 5 minutos. No la compartas.',
    login: 'entrar',
    reset: 'cambiar la contraseña',
    delete: 'BORRAR la cuenta',
  },
  fr: {
    text: '{code} : votre code {sender} pour {purpose}. Valable 5 minutes. Ne le partagez pas.',
    login: 'vous connecter',
    reset: 'changer de mot de passe',
    delete: 'SUPPRIMER le compte',
  },
  hi: {
    text: '{code} {purpose} के लिए {sender} कोड है। 5 मिनट मान्य। साझा न करें।',
    login: 'लॉग इन',
    reset: 'पासवर्ड बदलने',
    delete: 'खाता हटाने',
  },
  id: {
    text: '{code} adalah kode {sender} untuk {purpose}. Berlaku 5 menit. Jangan bagikan.',
    login: 'masuk',
    reset: 'mengganti kata sandi',
    delete: 'MENGHAPUS akun',
  },
  it: {
    text: '{code} è il tuo codice {sender} per {purpose}. Vale 5 minuti. Non condividerlo.',
    login: 'accedere',
    reset: 'cambiare la password',
    delete: "ELIMINARE l'account",
  },
  ja: {
    text: '{code} は {sender} の{purpose}用コードです。5分間有効。他人に教えないでください。',
    login: 'ログイン',
    reset: 'パスワード再設定',
    delete: 'アカウント削除',
  },
  ko: {
    text: '{code} {sender} {purpose} 인증번호입니다. 5분간 유효. 타인에게 알리지 마세요.',
    login: '로그인',
    reset: '비밀번호 재설정',
    delete: '계정 삭제',
  },
  nl: {
    text: '{code} is je {sender}-code om {purpose}. 5 minuten geldig. Deel hem met niemand.',
    login: 'in te loggen',
    reset: 'je wachtwoord te wijzigen',
    delete: 'je account te VERWIJDEREN',
  },
  pl: {
    text: '{code}: kod {sender} do {purpose}. Ważny 5 min. Nie udostępniaj.',
    login: 'logowania',
    reset: 'zmiany hasła',
    delete: 'USUNIĘCIA konta',
  },
  pt: {
    text: '{code}: código {sender} para {purpose}. Vale 5 min. Não partilhe.',
    login: 'entrar',
    reset: 'mudar a senha',
    delete: 'APAGAR a conta',
  },
  ru: {
    text: '{code}: код {sender} для {purpose}. Действует 5 мин. Не сообщайте.',
    login: 'входа',
    reset: 'смены пароля',
    delete: 'УДАЛЕНИЯ',
  },
  th: {
    text: '{code} คือรหัส {sender} {purpose} ใช้ได้ 5 นาที ห้ามบอกใคร',
    login: 'เข้าสู่ระบบ',
    reset: 'ตั้งรหัสผ่านใหม่',
    delete: 'ลบบัญชี',
  },
  tr: {
    text: '{code}: {purpose} için {sender} kodu. 5 dk geçerli. Paylaşmayın.',
    login: 'giriş',
    reset: 'şifre yenileme',
    delete: 'hesap SİLME',
  },
  uk: {
    text: '{code}: код {sender} для {purpose}. Діє 5 хв. Нікому не кажіть.',
    login: 'входу',
    reset: 'зміни пароля',
    delete: 'ВИДАЛЕННЯ',
  },
  vi: {
    text: '{code} là mã {sender} để {purpose}. Có hạn 5 phút. Không chia sẻ.',
    login: 'đăng nhập',
    reset: 'đổi mật khẩu',
    delete: 'XÓA tài khoản',
  },
  zh: {
    text: '{code} 是您的 {sender} {purpose}验证码，5 分钟内有效，请勿告诉他人。',
    login: '登录',
    reset: '重置密码',
    delete: '删除账号',
  },
  'zh-hant': CHINESE_TRADITIONAL,
  'zh-hk': CHINESE_TRADITIONAL,
  'zh-mo': CHINESE_TRADITIONAL,
  'zh-tw': CHINESE_TRADITIONAL,
}

/** Language tags in lower case that there is a text for; the default first. */
export const smsLanguages: readonly string[] = Object.keys(TEXTS)

/** The text of an SMS with a code, in English where there is none in the language. */
export function smsText(input: {
  code: string
  sender: string
  purpose: CodePurpose
  language: string
}): string {
  const words = TEXTS[input.language] ?? TEXTS['en']
  if (!words) throw new TypeError('There is no default text')
  const parts: Record<string, string> = { ...input, purpose: words[input.purpose] }
  return words.text.replaceAll(/\{(\w+)\}/g, (_, name) => parts[name] ?? '')
}
