/// How raw data become what a model takes: `(x / scale - mean) / deviation`, in a layout.
public struct Preprocessing: Hashable, Sendable {
  /// Where the channels of images are.
  public enum Layout: String, CaseIterable, Sendable {
    /// Whichever fits the model's input, NCHW where both do.
    case automatic = "auto"
    case nchw
    case nhwc
  }

  public var scale: Float = 1
  /// One for all channels, or one for each.
  public var mean: [Float] = [0]
  public var deviation: [Float] = [1]
  public var layout = Layout.automatic
  /// How long the shorter side of pictures of image folders becomes; see ``ImageForm/resize``.
  public var resize: Int?
  /// The height and width cut out of their middle, where the model leaves its own open.
  public var crop: Int?
  /// Whether images in arrays are resized to the model's height and width, and grey ones repeated to
  /// its channels.
  public var fits = false

  public init() {}

  /// Named settings: their specification.
  public static let presets: [(name: String, specification: String)] = [
    ("none", ""),
    ("unit", "scale=255"),
    ("mnist", "scale=255,mean=0.1307,std=0.3081"),
    ("cifar", "scale=255,mean=0.5,std=0.5"),
    ("lite", "mean=127,std=128"),
    ("imagenet", "scale=255,mean=0.485:0.456:0.406,std=0.229:0.224:0.225"),
  ]

  /// Reads a preset's name or `scale=255,mean=0.48:0.45:0.40,std=0.2,layout=nhwc` (a preset may come
  /// first: `imagenet,layout=nchw`, `imagenet,resize=232,crop=224`), and `fit` for images of another
  /// size.
  public init(_ specification: String) throws(SparrowError) {
    for part in specification.split(separator: ",") {
      if let preset = Self.presets.first(where: { $0.name == part }) {
        let before = self
        self = try Preprocessing(preset.specification)
        (layout, resize, crop, fits) = (before.layout, before.resize, before.crop, before.fits)
        continue
      }
      if part == "fit" {
        fits = true
        continue
      }
      let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard pair.count == 2 else { throw Self.malformed(part) }
      try set(pair[0], pair[1], part)
    }
    guard scale != 0, !deviation.contains(0) else {
      throw .badSetting("--preprocess '\(specification)': scale and std cannot be 0")
    }
  }

  private mutating func set(
    _ key: Substring, _ value: Substring, _ part: Substring
  ) throws(SparrowError) {
    if key == "layout" {
      guard let known = Layout(rawValue: String(value)) else { throw Self.malformed(part) }
      layout = known
      return
    }
    if key == "resize" || key == "crop" {
      guard let length = Int(value), (1...8192).contains(length) else { throw Self.malformed(part) }
      if key == "resize" { resize = length } else { crop = length }
      return
    }
    var numbers: [Float] = []
    for text in value.split(separator: ":", omittingEmptySubsequences: false) {
      guard let number = Float(text), number.isFinite else { throw Self.malformed(part) }
      numbers.append(number)
    }
    switch key {
    case "scale" where numbers.count == 1: scale = numbers[0]
    case "mean": mean = numbers
    case "std": deviation = numbers
    default: throw Self.malformed(part)
    }
  }

  private static func malformed(_ part: Substring) -> SparrowError {
    .badSetting(
      "--preprocess: '\(part)' is not understood, expected "
        + presets.map { $0.name }.joined(separator: ", ")
        + ", scale=N, mean=N or N:N:N, std=N or N:N:N, layout=auto|nchw|nhwc, fit, or for image "
        + "folders resize=N or crop=N (1 to 8192)")
  }
}
