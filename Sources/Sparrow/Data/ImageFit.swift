/// How images of one size are brought to the height and width that a model takes, and grey ones to its
/// channels: each axis by the weights of ``ImageScaling``, nothing rounded, whatever the proportions;
/// a grey image is every channel.
struct ImageFit: Hashable, Sendable {
  /// An image's layout among a sample's elements.
  private struct Image: Hashable {
    var channels: Int
    var height: Int
    var width: Int
    var isInterleaved = false
  }

  /// The channels that it makes.
  let channels: Int
  private let source: Image
  private let rows: [ImageScaling.Taps]
  private let columns: [ImageScaling.Taps]

  /// For samples of shape `source` and a model that takes `wanted` (nil where open): images of 1 or 3
  /// channels, `[H, W]`, `[C, H, W]` or `[H, W, C]`, or the grey pixels of a square in a row. Nil where
  /// one of them is none of these, or colours would have to become grey.
  init?(_ source: [Int], _ wanted: [Int?], _ layout: Preprocessing.Layout) {
    guard let image = Self.image(source, layout),
      let target = Self.target(wanted, channels: image.channels),
      image.channels == 1 || image.channels == target.channels
    else { return nil }
    (self.source, channels) = (image, target.channels)
    rows = ImageScaling.taps(image.height, target.height, 0..<target.height)
    columns = ImageScaling.taps(image.width, target.width, 0..<target.width)
  }

  /// One sample as the model takes it.
  func sampleShape(_ wanted: [Int?]) -> [Int] {
    wanted.count == 1 ? [rows.count * columns.count] : [channels, rows.count, columns.count]
  }

  private static func image(_ shape: [Int], _ layout: Preprocessing.Layout) -> Image? {
    guard shape.allSatisfy({ $0 > 0 }) else { return nil }
    switch shape.count {
    case 1:
      return ImageForm.side(of: shape[0]).map { Image(channels: 1, height: $0, width: $0) }
    case 2: return Image(channels: 1, height: shape[0], width: shape[1])
    case 3 where layout != .nhwc && [1, 3].contains(shape[0]):
      return Image(channels: shape[0], height: shape[1], width: shape[2])
    case 3 where layout != .nchw && [1, 3].contains(shape[2]):
      return Image(channels: shape[2], height: shape[0], width: shape[1], isInterleaved: true)
    default: return nil
    }
  }

  private static func target(_ wanted: [Int?], channels: Int) -> Image? {
    let known = wanted.compactMap { $0 }
    if wanted.count == 1, let side = known.first.flatMap({ ImageForm.side(of: $0) }) {
      return Image(channels: 1, height: side, width: side)
    }
    guard wanted.count == 3, let height = wanted[1], let width = wanted[2],
      case let count = wanted[0] ?? channels, [1, 3].contains(count),
      [height, width].allSatisfy({ (1...8192).contains($0) })
    else { return nil }
    return Image(channels: count, height: height, width: width)
  }

  /// Writes the image `[channels, height, width]`, each element passed through `finish` with its
  /// channel.
  func write<T>(
    _ elements: UnsafeBufferPointer<T>, _ target: UnsafeMutableBufferPointer<Float>,
    _ convert: (T) -> Float, _ finish: (Float, Int) -> Float
  ) {
    let plane = rows.count * columns.count
    var narrow = [Float](repeating: 0, count: source.height * columns.count)
    for channel in 0..<source.channels {
      narrowRows(of: elements, channel, convert, &narrow)
      // A grey image is every channel.
      let written = source.channels == channels ? channel..<channel + 1 : 0..<channels
      for (y, taps) in rows.enumerated() {
        for x in columns.indices {
          var sum: Float = 0
          for (i, weight) in taps.weights.enumerated() {
            sum += weight * narrow[(taps.first + i) * columns.count + x]
          }
          for c in written { target[c * plane + y * columns.count + x] = finish(sum, c) }
        }
      }
    }
  }

  /// Every row of a channel, as wide as the model takes it.
  private func narrowRows<T>(
    of elements: UnsafeBufferPointer<T>, _ channel: Int, _ convert: (T) -> Float,
    _ narrow: inout [Float]
  ) {
    let step = source.isInterleaved ? source.channels : 1
    let first = source.isInterleaved ? channel : channel * source.height * source.width
    for y in 0..<source.height {
      for (x, taps) in columns.enumerated() {
        var place = first + (y * source.width + taps.first) * step
        var sum: Float = 0
        for weight in taps.weights {
          sum += weight * convert(elements[place])
          place += step
        }
        narrow[y * columns.count + x] = sum
      }
    }
  }
}
