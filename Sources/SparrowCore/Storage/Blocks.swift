/// Sparse storage of rectangles: `outputs` neighbouring outputs x `inputs` neighbouring inputs at
/// one position are kept or dropped together, as seen through a ``WeightView``.
///
/// ```
/// block index  (outputBlock * inputBlocks + inputBlock) * positions + position
/// bits         one a block, least significant first, padding bits are 0
/// values       kept blocks in order, each outputs x inputs elements, outputs outermost;
///              elements of edge blocks beyond the tensor are stored as zeros
/// ```
public struct Blocks: Sendable {
  public let outputs: Int
  public let inputs: Int
  public let view: WeightView
  public let bits: Bytes
  public let values: Bytes

  /// The most neighbouring outputs or inputs of a block.
  public static var largestBlockSide: Int { 256 }

  public var outputBlocks: Int { (view.outputs + outputs - 1) / outputs }
  public var inputBlocks: Int { (view.inputs + inputs - 1) / inputs }
  public var blockCount: Int { outputBlocks * inputBlocks * view.positions }
  /// Elements of a block, those beyond the tensor's edge included.
  public var blockElements: Int { outputs * inputs }

  private init(_ outputs: Int, _ inputs: Int, _ view: WeightView, _ bits: Bytes, _ values: Bytes) {
    (self.outputs, self.inputs, self.view, self.bits, self.values) = (
      outputs, inputs, view, bits, values
    )
  }

  /// Wraps parts read from a file. Throws when they do not describe `count` elements of `dtype`.
  public init(
    outputs: Int, inputs: Int, view: WeightView, bits: Bytes, values: Bytes, dtype: DType,
    count: Int
  ) throws(StorageError) {
    self.init(outputs, inputs, view, bits, values)
    let (range, most) = (1...Self.largestBlockSide, Self.largestBlockSide)
    guard range.contains(outputs), range.contains(inputs) else {
      throw .badBlock("its block shape \(outputs)x\(inputs) is not from 1x1 to \(most)x\(most)")
    }
    guard Self.covers(view, count) else {
      throw .badBlock("its block view does not cover the tensor's \(count) elements exactly")
    }
    guard bits.count == (blockCount + 7) / 8 else {
      throw .wrongSize(part: "block bits", found: bits.count, expected: (blockCount + 7) / 8)
    }
    let excess = blockCount % 8
    if excess != 0 {
      let last = bits.pointer.load(fromByteOffset: bits.count - 1, as: UInt8.self)
      guard last >> UInt8(excess) == 0 else { throw .paddingBit }
    }
    let kept = bits.setBitCount
    guard values.count == kept * blockElements * dtype.size else {
      throw .wrongSize(
        part: "block values", found: values.count, expected: kept * blockElements * dtype.size)
    }
  }

  /// Encodes dense bytes: a block is kept when any of its elements is not zero.
  public init(encoding dense: Bytes, dtype: DType, view: WeightView, outputs: Int, inputs: Int) {
    let empty = Bytes(copying: [UInt8]())
    let shape = Blocks(outputs, inputs, view, empty, empty)
    let bits = shape.occupancy(of: dense, dtype)
    let values: Bytes =
      switch dtype.size {
      case 1: shape.values(bits, dense, dtype, as: UInt8.self)
      case 2: shape.values(bits, dense, dtype, as: UInt16.self)
      case 4: shape.values(bits, dense, dtype, as: UInt32.self)
      default: shape.values(bits, dense, dtype, as: UInt64.self)
      }
    self.init(outputs, inputs, view, bits, values)
  }

  /// The bytes ``init(encoding:dtype:view:outputs:inputs:)`` would keep; nil where the block shape
  /// or the view does not fit.
  static func byteCount(
    encoding dense: Bytes, dtype: DType, view: WeightView, outputs: Int, inputs: Int
  ) -> Int? {
    let range = 1...largestBlockSide
    guard range.contains(outputs), range.contains(inputs),
      covers(view, dense.count / dtype.size)
    else { return nil }
    let empty = Bytes(copying: [UInt8]())
    let shape = Blocks(outputs, inputs, view, empty, empty)
    let bits = shape.occupancy(of: dense, dtype)
    return bits.count + bits.setBitCount * shape.blockElements * dtype.size
  }

  private func occupancy(of dense: Bytes, _ dtype: DType) -> Bytes {
    switch dtype.size {
    case 1: occupancy(of: dense, dtype, as: UInt8.self)
    case 2: occupancy(of: dense, dtype, as: UInt16.self)
    case 4: occupancy(of: dense, dtype, as: UInt32.self)
    default: occupancy(of: dense, dtype, as: UInt64.self)
    }
  }

  /// One axis of the view cut into blocks.
  private struct Axis {
    let length: Int
    let stride: Int
    let block: Int
    /// The distance in block indices between neighbouring blocks.
    let blockStride: Int
  }

  /// One bit a block: set where any element is not zero. Reads the elements in memory order.
  private func occupancy<W: Word>(of dense: Bytes, _ dtype: DType, as word: W.Type) -> Bytes {
    let elements = ElementScan<W>(dense.pointer, dtype)
    let outputAxis = Axis(
      length: view.outputs, stride: view.outputStride, block: outputs,
      blockStride: inputBlocks * view.positions)
    let inputAxis = Axis(
      length: view.inputs, stride: view.inputStride, block: inputs, blockStride: view.positions)
    let isOutputMajor = view.outputStride >= view.inputStride
    let outer = isOutputMajor ? outputAxis : inputAxis
    let inner = isOutputMajor ? inputAxis : outputAxis
    defer { withExtendedLifetime(dense) {} }
    return Bytes(count: (blockCount + 7) / 8) { target in
      target.zero()
      guard let bits = target.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
      for a in 0..<outer.length {
        let row = a / outer.block &* outer.blockStride
        var (block, filled) = (row, 0)
        for b in 0..<inner.length {
          let first = a &* outer.stride &+ b &* inner.stride
          for p in 0..<view.positions where elements.isNonzero(first &+ p &* view.positionStride) {
            bits[(block &+ p) >> 3] |= 1 << UInt8((block &+ p) & 7)
          }
          filled &+= 1
          if filled == inner.block { (block, filled) = (block &+ inner.blockStride, 0) }
        }
      }
    }
  }

  private func values<W: Word>(
    _ bits: Bytes, _ dense: Bytes, _ dtype: DType, as word: W.Type
  ) -> Bytes {
    let elements = ElementScan<W>(dense.pointer, dtype)
    let kept = bits.setBitCount
    defer { withExtendedLifetime(dense) {} }
    return Bytes(count: kept * blockElements * MemoryLayout<W>.size) { target in
      target.zero()
      guard let base = target.baseAddress else { return }
      var next = 0
      bits.forEachSetBit { block in
        forEachElement(of: block) { slot, element in
          base.store(elements[element], element: next &+ slot)
        }
        next &+= blockElements
      }
    }
  }

  /// The block's elements inside the tensor: slot in the block, element in the tensor.
  @inline(__always)
  public func forEachElement(of block: Int, _ body: (_ slot: Int, _ element: Int) -> Void) {
    let position = block % view.positions
    let inputBlock = block / view.positions % inputBlocks
    let outputBlock = block / view.positions / inputBlocks
    for i in 0..<outputs {
      let output = outputBlock * outputs + i
      guard output < view.outputs else { break }
      for j in 0..<inputs {
        let input = inputBlock * inputs + j
        guard input < view.inputs else { break }
        body(i * inputs + j, view.element(output: output, input: input, position: position))
      }
    }
  }

  @inline(never)
  func decoded(_ dtype: DType, _ count: Int) -> Bytes {
    switch dtype.size {
    case 1: decoded(dtype, count, as: UInt8.self)
    case 2: decoded(dtype, count, as: UInt16.self)
    case 4: decoded(dtype, count, as: UInt32.self)
    default: decoded(dtype, count, as: UInt64.self)
    }
  }

  @inline(never)
  private func decoded<W: Word>(_ dtype: DType, _ count: Int, as word: W.Type) -> Bytes {
    let elements = ElementScan<W>(values.pointer, dtype)
    defer { withExtendedLifetime(values) {} }
    return Bytes(count: count * MemoryLayout<W>.size) { target in
      target.zero()
      guard let base = target.baseAddress else { return }
      var next = 0
      bits.forEachSetBit { block in
        forEachElement(of: block) { slot, element in
          base.store(elements[next &+ slot], element: element)
        }
        next &+= blockElements
      }
    }
  }

  /// Whether the view is one of the row-major layouts of exactly `count` elements: outputs, inputs,
  /// positions (convolution) or inputs, outputs, positions (matrix product, transposed convolution).
  static func covers(_ view: WeightView, _ count: Int) -> Bool {
    let lengths = [view.outputs, view.inputs, view.positions]
    guard count > 0, lengths.checkedElementCount == count else { return false }
    guard view.positionStride == 1 else { return false }
    let isOutputMajor =
      view.inputStride == view.positions && view.outputStride == view.inputs * view.positions
    let isInputMajor =
      view.outputStride == view.positions && view.inputStride == view.outputs * view.positions
    return isOutputMajor || isInputMajor
  }
}
