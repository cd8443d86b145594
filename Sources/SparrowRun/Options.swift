import CPlatform
import SparrowCore
import SparrowHost
import SparrowRuntime

/// What the command line asks for.
struct Options {
  enum Mode {
    /// Run once.
    case run
    /// Time many runs.
    case benchmark
    /// Tell what the model takes, gives and holds.
    case describe
    /// Run for every set of inputs that comes in.
    case stream
  }

  var mode = Mode.run
  /// nil where the model is appended to the program.
  var model: String?
  /// `NAME=FILE`.
  var inputs: [(name: String, file: String)] = []
  var output: String?
  /// Streams and `-` are elements alone, without npy headers.
  var isRaw = false
  var shapes: [String: [Int]] = [:]
  var batch = 1
  var seconds = 5.0
  var warmup = 1.0
  var json: String?
  var threads = max(1, Int(sp_cpu_count()))
  var tuning = Tuning.off
  var skipsClosedChannels = true
  var profiles = false
  var isQuiet = false
}

/// What the command line says: options, or a text to print.
enum CommandLineAnswer {
  case run(Options)
  case text(String)
}

/// Reads a command line word by word.
struct OptionsReader {
  private var words: ArraySlice<String>
  private var options = Options()
  /// What `--name=value` brings with its name.
  private var attached: String?

  /// `hasModel`: the program carries a model, so none is named.
  static func read(
    _ words: ArraySlice<String>, hasModel: Bool
  ) throws(RunFailure) -> CommandLineAnswer {
    var reader = OptionsReader(words: words)
    while let word = reader.words.popFirst() {
      if let text = try reader.take(word, hasModel: hasModel) { return .text(text) }
    }
    guard hasModel || reader.options.model != nil else {
      throw RunFailure("no model is named; usage: sparrow-run MODEL.sparrow (--help tells more)")
    }
    return .run(try reader.checked())
  }

  private init(words: ArraySlice<String>) { self.words = words }

  /// Takes a word and the values that belong to it; a text where that is what was asked for.
  private mutating func take(_ word: String, hasModel: Bool) throws(RunFailure) -> String? {
    let bytes = Array(word.utf8)
    guard bytes.first == UInt8(ascii: "-"), bytes.count > 1 else {
      guard !hasModel, options.model == nil else {
        throw RunFailure("'\(word)' is one word too many (--help tells what there is)")
      }
      options.model = word
      return nil
    }
    var name = word
    if bytes.starts(with: "--".utf8), let equals = bytes.firstIndex(of: UInt8(ascii: "=")) {
      name = String(decoding: bytes[..<equals], as: UTF8.self)
      attached = String(decoding: bytes[(equals + 1)...], as: UTF8.self)
    }
    switch name {
    case "-h", "--help": return Usage.text(hasModel: hasModel)
    case "--version": return Version.text
    default: try option(name)
    }
    if attached != nil { throw RunFailure("\(name) takes no value, found '\(word)'") }
    return nil
  }

  private mutating func option(_ name: String) throws(RunFailure) {
    switch name {
    case "-i", "--input": options.inputs.append(try input(try value(name)))
    case "-o", "--output": options.output = try value(name)
    case "--raw": options.isRaw = true
    case "--input-shapes":
      let text = try value(name)
      let (input, shape) = try Attempt.input("") { () throws(InputError) in
        try InputShapes.parse(text)
      }
      options.shapes[input] = shape
    case "-b", "--batch": options.batch = try integer(name, 1...1 << 20)
    case "-t", "--time": options.seconds = try seconds(name)
    case "-w", "--warmup": options.warmup = try seconds(name)
    case "--json": options.json = try value(name)
    case "--threads": options.threads = try integer(name, 1...256)
    case "--tuning": options.tuning = try tuning(try value(name))
    case "--no-skip": options.skipsClosedChannels = false
    case "--profile": options.profiles = true
    case "-q", "--quiet": options.isQuiet = true
    case "--benchmark": try choose(.benchmark, name)
    case "--describe": try choose(.describe, name)
    case "--stream": try choose(.stream, name)
    default: throw RunFailure("the option \(name) is unknown (--help tells what there is)")
    }
  }

  private mutating func choose(_ mode: Options.Mode, _ name: String) throws(RunFailure) {
    guard options.mode == .run else {
      throw RunFailure(
        "\(name) is one too many: --benchmark, --describe and --stream exclude each other")
    }
    options.mode = mode
  }

  private mutating func value(_ name: String) throws(RunFailure) -> String {
    if let attached {
      self.attached = nil
      return attached
    }
    guard let value = words.popFirst() else { throw RunFailure("\(name) needs a value") }
    return value
  }

  private mutating func integer(_ name: String, _ range: ClosedRange<Int>) throws(RunFailure) -> Int
  {
    let text = try value(name)
    guard let number = Int(text), range.contains(number) else {
      throw RunFailure(
        "\(name) is '\(text)', expected \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  private mutating func seconds(_ name: String) throws(RunFailure) -> Double {
    let text = try value(name)
    guard let number = Decimal.parse(text), number <= 86_400 else {
      throw RunFailure("\(name) is '\(text)', expected 0 to 86400 seconds")
    }
    return number
  }

  private func tuning(_ text: String) throws(RunFailure) -> Tuning {
    guard let found = Tuning.allCases.first(where: { $0.rawValue == text }) else {
      throw RunFailure("--tuning is '\(text)', expected off, quick or full")
    }
    return found
  }

  private func input(_ text: String) throws(RunFailure) -> (name: String, file: String) {
    let bytes = Array(text.utf8)
    guard let equals = bytes.firstIndex(of: UInt8(ascii: "=")), equals > 0 else {
      throw RunFailure("-i '\(text)' is not understood, expected NAME=FILE.npy")
    }
    return (
      String(decoding: bytes[..<equals], as: UTF8.self),
      String(decoding: bytes[(equals + 1)...], as: UTF8.self)
    )
  }

  /// Settings that would have no effect are refused.
  private func checked() throws(RunFailure) -> Options {
    let isBenchmark = options.mode == .benchmark
    if options.json != nil, !isBenchmark { throw RunFailure("--json is for --benchmark") }
    if !options.inputs.isEmpty {
      guard options.batch == 1 else {
        throw RunFailure("--batch is for random inputs; beside -i the files say it")
      }
      guard options.mode != .stream else {
        throw RunFailure("--stream takes its inputs from standard input: leave -i out")
      }
      guard options.inputs.filter({ $0.file == "-" }).count <= 1 else {
        throw RunFailure("standard input can be one input alone")
      }
    }
    if options.output != nil, options.mode != .run { throw RunFailure("-o is for a single run") }
    return options
  }
}

/// Numbers as people write them.
enum Decimal {
  /// A number such as `2`, `0.25` or `.5`; nil for all else, signs and exponents included.
  static func parse(_ text: String) -> Double? {
    var (value, scale, digits) = (0.0, 0.0, 0)
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "."):
        guard scale == 0 else { return nil }
        scale = 1
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        digits += 1
        value = value * 10 + Double(byte - UInt8(ascii: "0"))
        scale *= 10
      default: return nil
      }
    }
    guard digits > 0, value.isFinite else { return nil }
    return scale == 0 ? value : value / scale
  }
}
