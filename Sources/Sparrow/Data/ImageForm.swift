import SparrowCore

/// What pictures of any size become: their shorter side `resize` pixels long, then the middle `height`
/// by `width` of them.
public struct ImageForm: Hashable, Sendable {
  public var height: Int
  public var width: Int
  /// 3 (red, green, blue) or 1 (their luminance).
  public var channels: Int
  /// Nil: pictures of exactly height by width stay as they are, and of others the shorter side becomes
  /// the longer of both divided by 0.875, as 256 is for 224.
  public var resize: Int?

  /// Throws for lengths that no picture is resized to.
  public init(height: Int, width: Int, channels: Int, resize: Int? = nil) throws(SparrowError) {
    for length in [height, width, resize ?? height] where !(1...8192).contains(length) {
      throw .badSetting("images cannot be made \(length) pixels long, expected 1 to 8192")
    }
    guard channels == 1 || channels == 3 else {
      throw .badSetting("images have 1 or 3 channels, \(channels) are asked for")
    }
    if let resize, resize < max(height, width) {
      throw .badSetting(
        "--preprocess: resize is \(resize), but \(height)x\(width) are cut out of it; expected "
          + "\(max(height, width)) or more")
    }
    (self.height, self.width, self.channels, self.resize) = (height, width, channels, resize)
  }

  /// What `input` of a model takes, `[batch, channels, height, width]`, channels last, or the grey pixels
  /// of a square in a row; open lengths are `crop`.
  init(
    _ input: (name: String, type: TensorType), model: String, crop: Int?, resize: Int?
  ) throws(SparrowError) {
    func length(_ dimension: Dimension) throws(SparrowError) -> Int {
      if let crop, dimension.value == nil || dimension.value == crop { return crop }
      guard crop == nil, let length = dimension.value else {
        throw .badSetting(
          "\(model): input '\(input.name)' is \(input.type.text): say with --preprocess crop=N how "
            + "large images become" + (crop.map { "; \($0) does not fit" } ?? ""))
      }
      return length
    }
    let shape = input.type.dimensions ?? []
    let isChannel = shape.map { $0.value == 1 || $0.value == 3 }
    if shape.count == 4, isChannel[1] || isChannel[3] {
      let first = isChannel[1] ? 2 : 1
      try self.init(
        height: try length(shape[first]), width: try length(shape[first + 1]),
        channels: (isChannel[1] ? shape[1] : shape[3]).value ?? 3, resize: resize)
    } else if shape.count == 2, let pixels = shape[1].value, let side = Self.side(of: pixels) {
      let length = try length(.known(side))
      try self.init(height: length, width: length, channels: 1, resize: resize)
    } else {
      throw .badInput(
        "\(model): input '\(input.name)' is \(input.type.text), expected images of 1 or 3 channels "
          + "for a folder of images")
    }
  }

  /// The side of a square of as many pixels; nil where there is none.
  static func side(of pixels: Int) -> Int? {
    guard (1...1 << 26).contains(pixels) else { return nil }
    let side = Int(Double(pixels).squareRoot())
    return side * side == pixels ? side : nil
  }

  /// The shorter side of a picture before its middle is cut out; nil where it stays as it is.
  func shorterSide(of size: ImageSize) -> Int? {
    if let resize { return resize }
    if size.height == height, size.width == width { return nil }
    return Int((Double(max(height, width)) / 0.875).rounded())
  }
}

/// A picture's size in pixels.
struct ImageSize: Hashable {
  var width: Int
  var height: Int
}
