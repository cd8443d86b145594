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

  public var outputBlocks: Int { (view.outputs + outputs - 1) / outputs }
  public var inputBlocks: Int { (view.inputs + inputs - 1) / inputs }
  public var blockCount: Int { outputBlocks * inputBlocks * view.positions }
  public var blockElements: Int { outputs * inputs }

  private init(_ outputs: Int, _ inputs: Int, _ view: WeightView, _ bits: Bytes, _ values: Bytes) {
    (self.outputs, self.inputs, self.view, self.bits, self.values)
      = (outputs, inputs, view, bits, values)
  }

  /// Wraps parts read from a file. Throws when they do not describe `count` elements of `dtype`.
  public init(
    outputs: Int, inputs: Int, view: WeightView, bits: Bytes, values: Bytes, dtype: DType,
    count: Int
  ) throws(StorageError) {
    self.init(outputs, inputs, view, bits, values)
    guard (1...256).contains(outputs), (1...256).contains(inputs) else {
      throw .badBlock("its block shape \(outputs)x\(inputs) is not between 1x1 and 256x256")
    }
    guard Self.covers(view, count) else {
      throw .badBlock("its block view does not cover the tensor's \(count) elements exactly")
    }
    guard bits.count == (blockCount + 7) / 8 else {
      throw .wrongSize(part: "block bits", found: bits.count, expected: (blockCount + 7) / 8)
    }
    var kept = 0
    for block in 0..<(bits.count * 8) where bits.bit(block) {
      guard block < blockCount else {
        throw .badBlock("a padding bit of its block mask is set")
      }
      kept += 1
    }
    guard values.count == kept * blockElements * dtype.size else {
      throw .wrongSize(
        part: "block values", found: values.count, expected: kept * blockElements * dtype.size)
    }
  }

  /// Encodes dense bytes: a block is kept when any of its elements is not zero.
  public init(encoding dense: Bytes, dtype: DType, view: WeightView, outputs: Int, inputs: Int) {
    let size = dtype.size
    let empty = Bytes(copying: [UInt8]())
    let shape = Blocks(outputs, inputs, view, empty, empty)
    var kept: [Int] = []
    let bits = Bytes(count: (shape.blockCount + 7) / 8) { target in
      target.zero()
      for block in 0..<shape.blockCount {
        var any = false
        shape.forEachElement(of: block) { _, element in
          any = any || dense.isNonzero(element, dtype)
        }
        if any {
          target[block >> 3] |= 1 << UInt8(block & 7)
          kept.append(block)
        }
      }
    }
    let values = Bytes(count: kept.count * outputs * inputs * size) { target in
      target.zero()
      guard let base = target.baseAddress else { return }
      for (i, block) in kept.enumerated() {
        shape.forEachElement(of: block) { slot, element in
          base.advanced(by: (i * outputs * inputs + slot) * size)
            .copyMemory(from: dense.pointer + element * size, byteCount: size)
        }
      }
    }
    self.init(outputs, inputs, view, bits, values)
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

  func decoded(_ dtype: DType, _ count: Int) -> Bytes {
    let size = dtype.size
    return Bytes(count: count * size) { target in
      target.zero()
      guard let base = target.baseAddress else { return }
      var next = 0
      for block in 0..<blockCount where bits.bit(block) {
        forEachElement(of: block) { slot, element in
          base.advanced(by: element * size)
            .copyMemory(from: values.pointer + (next + slot) * size, byteCount: size)
        }
        next += blockElements
      }
    }
  }

  /// Whether the view is one of the row-major layouts of exactly `count` elements.
  static func covers(_ view: WeightView, _ count: Int) -> Bool {
    guard [view.outputs, view.inputs, view.positions].checkedElementCount == count else {
      return false
    }
    let outputsFirst = WeightView.outputsFirst([view.outputs, view.inputs, view.positions])
    let inputsFirst = WeightView.inputsFirst([view.inputs, view.outputs])
    return view == outputsFirst || (view.positions == 1 && view == inputsFirst)
  }
}
