import SparrowCompress
import SparrowCore

/// Turns samples of a dataset into batches for one model input: preprocessed, in its layout.
struct SampleReader: Sendable {
  /// How a sample's elements lie in the model's input.
  enum Order: Hashable {
    /// As they are; the channel of element i is (i / inner) % channels.
    case same(channels: Int, inner: Int)
    /// [H, W, C] becomes [C, H, W].
    case channelsToFront(height: Int, width: Int, channels: Int)
    /// Images of another size or grey ones.
    case fitted(ImageFit)
  }

  let dataset: Dataset
  let order: Order
  /// The shape of one sample as the model takes it.
  let sampleShape: [Int]
  let dtype: DType
  private let scale: [Float]
  private let offset: [Float]

  /// Throws when samples do not fit `input` in any layout that `preprocessing` allows.
  init(
    _ dataset: Dataset, input: (name: String, type: TensorType), model: String,
    preprocessing: Preprocessing
  ) throws(SparrowError) {
    self.dataset = dataset
    dtype = input.type.dtype
    let source = Array(dataset.samples.shape.dropFirst())
    let declared = input.type.dimensions.map { $0.dropFirst().map { $0.value } }
    guard
      let fit = Self.fit(source, declared ?? source.map { $0 }, preprocessing.layout)
        ?? Self.fitted(source, declared, dtype, preprocessing)
    else {
      let isImage = ImageFit(source, declared ?? [], preprocessing.layout) != nil
      throw .badInput(
        "\(model): input '\(input.name)' is \(input.type.text), but the samples of "
          + "\(dataset.path) (\(dataset.keys.samples)) are of shape \(source)"
          + (isImage ? "; --preprocess fit resizes them" : ""))
    }
    (order, sampleShape) = fit
    let channels = fit.0.channels
    guard dtype == .float32 || dtype == dataset.samples.dtype else {
      throw .badInput(
        "\(model): input '\(input.name)' is \(input.type.text), but \(dataset.keys.samples) of "
          + "\(dataset.path) holds \(dataset.samples.dtype.name)")
    }
    for (key, list) in [("mean", preprocessing.mean), ("std", preprocessing.deviation)]
    where list.count != 1 && list.count != channels {
      throw .badSetting(
        "--preprocess: \(key) has \(list.count) values, but the samples of \(dataset.path) have "
          + "\(channels) channels")
    }
    func value(_ list: [Float], _ c: Int) -> Float { list.count == 1 ? list[0] : list[c] }
    scale = (0..<channels).map { 1 / (preprocessing.scale * value(preprocessing.deviation, $0)) }
    offset = (0..<channels).map {
      -value(preprocessing.mean, $0) / value(preprocessing.deviation, $0)
    }
  }

  /// The given samples as one tensor.
  func batch(_ rows: [Int]) -> Tensor {
    let shape = [rows.count] + sampleShape
    switch dataset.samples.dtype {
    case .float32 where dtype == .float32: return floats(rows, shape) { (x: Float) in x }
    case .float64 where dtype == .float32:
      return floats(rows, shape) { (x: Double) in Float(x) }
    case .uint8 where dtype == .float32: return floats(rows, shape) { (x: UInt8) in Float(x) }
    case .int8 where dtype == .float32: return floats(rows, shape) { (x: Int8) in Float(x) }
    case .int16 where dtype == .float32: return floats(rows, shape) { (x: Int16) in Float(x) }
    case .uint16 where dtype == .float32: return floats(rows, shape) { (x: UInt16) in Float(x) }
    case .int32 where dtype == .float32: return floats(rows, shape) { (x: Int32) in Float(x) }
    case .int64 where dtype == .float32: return floats(rows, shape) { (x: Int64) in Float(x) }
    default: return dataset.samples.samples(rows).reshaped(shape)
    }
  }

  private func floats<T: Element>(
    _ rows: [Int], _ shape: [Int], _ convert: (T) -> Float
  ) -> Tensor {
    let count = sampleShape.elementCount
    let size = dataset.samples.shape.dropFirst().reduce(1, *)
    return dataset.samples.withElements(of: T.self) { source in
      Tensor(of: Float.self, shape: shape) { target in
        for (i, row) in rows.enumerated() {
          let from = UnsafeBufferPointer(rebasing: source[row * size..<(row + 1) * size])
          let to = UnsafeMutableBufferPointer(rebasing: target[i * count..<(i + 1) * count])
          write(from, to, convert)
        }
      }
    }
  }

  private func write<T>(
    _ source: UnsafeBufferPointer<T>, _ target: UnsafeMutableBufferPointer<Float>,
    _ convert: (T) -> Float
  ) {
    switch order {
    case .same(let channels, let inner):
      for i in target.indices {
        let c = channels == 1 ? 0 : (i / inner) % channels
        target[i] = convert(source[i]) * scale[c] + offset[c]
      }
    case .fitted(let fit):
      fit.write(source, target, convert) { value, c in value * scale[c] + offset[c] }
    case .channelsToFront(let height, let width, let channels):
      let plane = height * width
      for c in 0..<channels {
        for i in 0..<plane {
          target[c * plane + i] = convert(source[i * channels + c]) * scale[c] + offset[c]
        }
      }
    }
  }
}

extension SampleReader.Order {
  var channels: Int {
    switch self {
    case .same(let channels, _): channels
    case .channelsToFront(_, _, let channels): channels
    case .fitted(let fit): fit.channels
    }
  }
}

extension SampleReader {
  /// The order and concrete shape in which samples of shape `source` fit `wanted` (nil where open).
  static func fit(
    _ source: [Int], _ wanted: [Int?], _ layout: Preprocessing.Layout
  ) -> (Order, [Int])? {
    let front = source.count == 3 ? [source[2], source[0], source[1]] : []
    if matches(source, wanted), !(layout == .nhwc && matches(front, wanted)) {
      return (channels(of: source, layout), source)
    }
    if layout != .nchw, matches(front, wanted) {
      return (
        .channelsToFront(height: source[0], width: source[1], channels: source[2]), front
      )
    }
    // An axis of length 1 may be missing, or everything flattened.
    let known = wanted.compactMap { $0 }
    guard known.count == wanted.count, known.elementCount == source.elementCount,
      known.count == 1 || known.filter({ $0 != 1 }) == source.filter({ $0 != 1 })
    else { return nil }
    return (.same(channels: 1, inner: 1), known)
  }

  /// Images that are to be resized, where the preprocessing says so.
  private static func fitted(
    _ source: [Int], _ wanted: [Int?]?, _ dtype: DType, _ preprocessing: Preprocessing
  ) -> (Order, [Int])? {
    guard preprocessing.fits, dtype == .float32, let wanted,
      let fit = ImageFit(source, wanted, preprocessing.layout)
    else { return nil }
    return (.fitted(fit), fit.sampleShape(wanted))
  }

  private static func matches(_ shape: [Int], _ wanted: [Int?]) -> Bool {
    shape.count == wanted.count && zip(shape, wanted).allSatisfy { $1 == nil || $0 == $1 }
  }

  private static func channels(of shape: [Int], _ layout: Preprocessing.Layout) -> Order {
    guard shape.count == 3 else { return .same(channels: 1, inner: 1) }
    let isLast = layout == .nhwc || (layout == .automatic && shape[0] > 4 && shape[2] <= 4)
    return isLast
      ? .same(channels: shape[2], inner: 1)
      : .same(channels: shape[0], inner: shape[1] * shape[2])
  }
}
