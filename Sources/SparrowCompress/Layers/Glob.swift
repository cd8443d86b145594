/// A file-name pattern: `*` any run of characters, `?` one character, `[a-c_]` one of a set,
/// `[!...]` one outside it. Everything else stands for itself; the whole name must match.
public struct Glob: Hashable, Sendable {
  public let pattern: String
  private let tokens: [Token]

  private enum Token: Hashable {
    case literal(Character)
    case one
    case run
    case set([ClosedRange<Character>], negated: Bool)
  }

  public init(_ pattern: String) {
    self.pattern = pattern
    tokens = Self.tokens(Array(pattern))
  }

  /// Whether the pattern has no wildcard.
  public var isLiteral: Bool {
    tokens.allSatisfy { if case .literal = $0 { true } else { false } }
  }

  /// Whether all of `name` matches. Takes at most pattern x name steps.
  public func matches(_ name: String) -> Bool {
    let name = Array(name)
    var (token, at) = (0, 0)
    var retry: (token: Int, at: Int)?
    while at < name.count {
      if token < tokens.count, tokens[token] == .run {
        retry = (token, at)
        token += 1
      } else if token < tokens.count, accepts(tokens[token], name[at]) {
        token += 1
        at += 1
      } else if let (star, from) = retry {
        // The last `*` takes one character more; earlier ones never need to.
        retry = (star, from + 1)
        (token, at) = (star + 1, from + 1)
      } else {
        return false
      }
    }
    return tokens[token...].allSatisfy { $0 == .run }
  }

  private func accepts(_ token: Token, _ character: Character) -> Bool {
    switch token {
    case .literal(let expected): character == expected
    case .one: true
    case .run: false
    case .set(let ranges, let negated): ranges.contains { $0.contains(character) } != negated
    }
  }

  private static func tokens(_ text: [Character]) -> [Token] {
    var result: [Token] = []
    var i = 0
    while i < text.count {
      switch text[i] {
      case "*": result.append(.run)
      case "?": result.append(.one)
      case "[":
        if let (token, end) = set(text, from: i + 1) {
          result.append(token)
          i = end
        } else {
          result.append(.literal("["))
        }
      default: result.append(.literal(text[i]))
      }
      i += 1
    }
    return result
  }

  /// The set that starts after `[`, and the index of its `]`; nil when it is never closed.
  private static func set(_ text: [Character], from start: Int) -> (Token, Int)? {
    var i = start
    let negated = i < text.count && (text[i] == "!" || text[i] == "^")
    if negated { i += 1 }
    var ranges: [ClosedRange<Character>] = []
    let first = i
    while i < text.count, text[i] != "]" || i == first {
      if i + 2 < text.count, text[i + 1] == "-", text[i + 2] != "]", text[i] <= text[i + 2] {
        ranges.append(text[i]...text[i + 2])
        i += 3
      } else {
        ranges.append(text[i]...text[i])
        i += 1
      }
    }
    return i < text.count ? (.set(ranges, negated: negated), i) : nil
  }
}
