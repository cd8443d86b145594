import SparrowCore

/// Pictures made smaller or larger: each new pixel is the mean of the old ones under a triangle as wide
/// as the step between new ones, two old pixels at least. Rows are done first, and both times values are
/// rounded to whole ones. (Pillow's and torchvision's antialiased bilinear resize.)
struct ImageScaling {
  /// The old pixels that one new pixel is made of.
  struct Taps: Hashable {
    var first: Int
    var weights: [Float]
  }

  /// The middle of a picture of `size`, resized; interleaved `channels`, `[height, width, channels]`.
  static func middle(
    of pixels: Bytes, _ size: ImageSize, channels: Int, form: ImageForm,
    into target: UnsafeMutableBufferPointer<UInt8>
  ) {
    var scaled = size
    if let side = form.shorterSide(of: size) {
      let (short, long) = (min(size.width, size.height), max(size.width, size.height))
      let other = max(side, side * long / short)
      scaled =
        size.width <= size.height
        ? ImageSize(width: side, height: other) : ImageSize(width: other, height: side)
    }
    let left = middleStart(scaled.width, form.width)
    let top = middleStart(scaled.height, form.height)
    let columns = taps(size.width, scaled.width, left..<left + form.width)
    let rows = taps(size.height, scaled.height, top..<top + form.height)
    pixels.withUnsafeBytes { raw in
      let source = raw.assumingMemoryBound(to: UInt8.self)
      scale(source, size.width, columns, rows, channels, target)
    }
  }

  /// Where the middle `length` of `whole` begins, a half rounded to the even neighbour.
  private static func middleStart(_ whole: Int, _ length: Int) -> Int {
    Int((Double(whole - length) / 2).rounded(.toNearestOrEven))
  }

  /// For new pixels `range` of `length` out of `source` old ones.
  static func taps(_ source: Int, _ length: Int, _ range: Range<Int>) -> [Taps] {
    let scale = Double(source) / Double(length)
    let support = max(scale, 1)
    return range.map { position in
      let center = (Double(position) + 0.5) * scale
      let first = max(0, Int(center - support + 0.5))
      let end = min(source, Int(center + support + 0.5))
      let weights = (first..<max(end, first + 1)).map { old in
        max(0, 1 - abs((Double(old) - center + 0.5) / support))
      }
      let sum = weights.reduce(0, +)
      return Taps(first: first, weights: weights.map { Float(sum > 0 ? $0 / sum : 1) })
    }
  }

  private static func scale(
    _ source: UnsafeBufferPointer<UInt8>, _ width: Int, _ columns: [Taps], _ rows: [Taps],
    _ channels: Int, _ target: UnsafeMutableBufferPointer<UInt8>
  ) {
    let top = rows.map { $0.first }.min() ?? 0
    let bottom = rows.map { $0.first + $0.weights.count }.max() ?? 0
    let stride = columns.count * channels
    var narrow = [UInt8](repeating: 0, count: (bottom - top) * stride)
    for y in top..<bottom {
      for (x, taps) in columns.enumerated() {
        for c in 0..<channels {
          var sum: Float = 0
          var place = (y * width + taps.first) * channels + c
          for weight in taps.weights {
            sum += weight * Float(source[place])
            place += channels
          }
          narrow[(y - top) * stride + x * channels + c] = rounded(sum)
        }
      }
    }
    for (y, taps) in rows.enumerated() {
      for x in 0..<stride {
        var sum: Float = 0
        var place = (taps.first - top) * stride + x
        for weight in taps.weights {
          sum += weight * Float(narrow[place])
          place += stride
        }
        target[y * stride + x] = rounded(sum)
      }
    }
  }

  private static func rounded(_ value: Float) -> UInt8 { UInt8(min(max(value + 0.5, 0), 255)) }

  /// The luminance of red, green and blue: 0.299, 0.587 and 0.114 of them. (ITU-R BT.601.)
  static func luminance(_ pixels: Bytes, count: Int) -> Bytes {
    Bytes(count: count) { (target: UnsafeMutableRawBufferPointer) in
      pixels.withUnsafeBytes { source in
        for i in 0..<count {
          let sum =
            19_595 * Int(source[3 * i]) + 38_470 * Int(source[3 * i + 1])
            + 7_471 * Int(source[3 * i + 2])
          target[i] = UInt8((sum + 0x8000) >> 16)
        }
      }
    }
  }
}
