import SparrowTestSupport
import Testing

/// Bad usage: exit status 2, one message that says what was expected, nothing on standard output.
struct BadUsageTests {
  private static let mlp = "fixtures/digits-mlp.onnx"
  private static let cnn = "fixtures/digits-cnn.onnx"
  private static let data = "fixtures/digits.npz"

  struct Case: CustomTestStringConvertible, Sendable {
    var arguments: [String]
    var message: String
    var testDescription: String { arguments.joined(separator: " ") }

    init(_ arguments: String..., says message: String) {
      (self.arguments, self.message) = (arguments, message)
    }
  }

  static let cases = [
    Case("frobnicate", says: "frobnicate"),
    Case(
      "bundle", mlp, "-o", "app", "--runtime", "x", "--include-operators", "used",
      says: "give one of them"),
    Case("bundle", mlp, "-o", "app", "--source", ".", says: "--include-operators used alone"),
    Case(
      "bundle", mlp, "-o", "app", "--include-operators", "used", "--source", "/nowhere",
      says: "name the folder of Sparrow's sources"),
    Case("train", mlp, "x.onnx", says: "--data"),
    Case("train", mlp, "x.txt", "--data", data, says: "expected .onnx or .sparrow"),
    Case("train", mlp, "x.onnx", "--data", data, "--epochs", "0", says: "epochs is 0"),
    Case("train", mlp, "x.onnx", "--data", data, "--learning-rate", "-1", says: "learning rate"),
    Case("train", mlp, "x.onnx", "--data", data, "--method", "gmp", says: "how sparse"),
    Case("train", mlp, "x.onnx", "--data", data, "--method", "luck", says: "'luck'"),
    Case(
      "train", mlp, "x.onnx", "--data", data, "--method", "rigl", "--sparsity", "0.5",
      "--criterion", "taylor", says: "method rigl has no setting 'criterion'"),
    Case("train", mlp, "x.onnx", "--data", data, "--sparsity", "1", says: "expected a fraction"),
    Case(
      "train", mlp, "x.onnx", "--data", data, "--sparsity", "0.5", "--pattern", "channels",
      says: "does not cut channels"),
    Case(
      "train", mlp, "x.onnx", "--data", data, "--method", "fixed", "--criterion", "magnitude",
      says: "say how sparse"),
    Case("train", mlp, "x.onnx", "--data", data, "--augment", "flip", says: "images [N, C, H, W]"),
    Case("train", mlp, "x.onnx", "--data", data, "--augment", "turn=3", says: "'turn=3'"),
    Case("train", mlp, "x.onnx", "--data", data, "--metrics", "x.txt", says: ".csv or .jsonl"),
    Case("train", mlp, "x.onnx", "--data", data, "--recipe", "nowhere.yaml", says: "nowhere.yaml"),
    Case("train", mlp, "x.onnx", "--data", data, "--keys", "x_train", says: "two names"),
    Case("convert", mlp, says: "output"),
    Case("convert", mlp, "model.pb", says: "expected .onnx or .sparrow"),
    Case("convert", mlp, "model", says: "expected .onnx or .sparrow"),
    Case("convert", data, "model.sparrow", says: ".npz files hold data, not a model"),
    Case("convert", "nowhere.onnx", "model.sparrow", says: "nowhere.onnx"),
    Case("convert", mlp, "no/such/folder/model.sparrow", says: "no/such/folder/model.sparrow"),
    Case("run", mlp, "--tuning", "fast", says: "provide one of 'off', 'quick' or 'full'"),
    Case("benchmark", mlp, "--tuning", "1", says: "--tuning"),
    Case("evaluate", mlp, "--data", data, "--tuning", "", says: "--tuning"),
    Case("inspect", mlp, "-q", "-v", says: "exclude each other"),
    Case("compress", mlp, "x.sparrow", says: "--sparsity"),
    Case("compress", mlp, "x.sparrow", "--sparsity", "1", says: "expected a fraction"),
    Case("compress", mlp, "x.sparrow", "--sparsity", "-0.5", says: "sparsity"),
    Case("compress", mlp, "x.sparrow", "--sparsity", "nan", says: "expected a fraction"),
    Case(
      "compress", mlp, "x.sparrow", "--sparsity", "0.5", "--criterion", "luck",
      says: "there is no criterion 'luck'; available: magnitude"),
    Case(
      "compress", mlp, "x.sparrow", "--sparsity", "0.5", "--allocation", "fair",
      says: "uniform, uniform+, global, erk, lamp"),
    Case("compress", mlp, "x.sparrow", "--pattern", "4:2", says: "there is no pattern '4:2'"),
    Case(
      "compress", mlp, "x.sparrow", "--pattern", "2:4", "--sparsity", "0.9",
      says: "leave the sparsity out"),
    Case(
      "compress", mlp, "x.sparrow", "--sparsity", "0.5", "--exclude", "nothing*",
      says: "'nothing*' matches no weight"),
    Case(
      "compress", mlp, "x.sparrow", "--sparsity", "0.5", "--include", "most", says: "depthwise"),
    Case(
      "compress", mlp, "x.sparrow", "--sparsity", "0.5", "--repair", "obs",
      says: "magnitude does not"),
    Case(
      "compress", mlp, "x.sparrow", "--sparsity", "0.5", "--repair", "luck",
      says: "there is no repair 'luck'; available: none, obs"),
    Case(
      "compress", mlp, "x.sparrow", "--sparsity", "0.5", "--criterion", "sparsegpt",
      says: "give calibration data"),
    Case(
      "compress", mlp, "x.sparrow", "--sparsity", "0.5", "--samples", "8",
      says: "give --calibration DATA too"),
    Case(
      "compress", mlp, "x.sparrow", "--sparsity", "0.5", "--calibration", data, "--memory", "much",
      says: "expected a size such as 512MB"),
    Case(
      "compress", mlp, "x.sparrow", "--sparsity", "0.5", "--calibration", data, "--samples",
      "100000", says: "has 1347"),
    Case(
      "compress", mlp, "x.sparrow", "--sparsity", "0.5", "--quantize", "int8",
      says: "not available yet"),
    Case("compress", mlp, "x.sparrow", "--recipe", "nowhere.yaml", says: "nowhere.yaml"),
    Case(
      "compress", mlp, "x.sparrow", "--recipe", "r.yaml", "--sparsity", "0.5",
      says: "one or the other"),
    Case("run", mlp, "-i", "image", says: "NAME=FILE.npy"),
    Case("run", mlp, "-i", "image=\(data)", says: "FILE.npz:KEY"),
    Case("run", mlp, "-i", "image=\(data):x_valid", says: "x_test"),
    Case("run", mlp, "-i", "picture=\(data):x_test", says: "the inputs are 'image'"),
    Case("run", mlp, "-i", "image=\(data):x_test", says: "f32[450,8,8]"),
    Case("run", mlp, "-i", "image=\(data):y_test", says: "i64[450]"),
    Case("run", mlp, "-o", "scores.txt", says: ".npz"),
    Case("run", mlp, "--input-shapes", "image", says: "NAME:1,3,224,224"),
    Case("run", mlp, "--input-shapes", "image:1,-3", says: "NAME:1,3,224,224"),
    Case("run", mlp, "--input-shapes", "image:1,63", says: "f32[batch,64], found f32[1,63]"),
    Case("run", mlp, "--input-shapes", "picture:1,64", says: "the inputs are 'image'"),
    Case(
      "run", mlp, "--input-shapes", "image:9000000000000000000,64", says: "NAME:1,3,224,224"),
    Case("run", mlp, "--threads", "0", says: "expected 1 to 256"),
    Case("run", "fixtures/onnx/dynamic-shapes.onnx", says: "--input-shapes x:"),
    Case("benchmark", mlp, "-b", "0", says: "expected 1 or more"),
    Case("benchmark", mlp, "-b", "2", "-i", "x=x.npy", says: "--batch is for random inputs"),
    Case("benchmark", mlp, "-t", "nan", says: "expected 0 to 86400"),
    Case("benchmark", mlp, "-s", "parallel", says: "sync"),
    Case("benchmark", "fixtures/onnx/constant-nodes.onnx", "-b", "2", says: "fixed to 3"),
    Case("evaluate", mlp, says: "--data"),
    Case("evaluate", mlp, "--data", data, "--keys", "x,y", says: "x_test"),
    Case("evaluate", mlp, "--data", data, "--keys", "x", says: "two names"),
    Case("evaluate", mlp, "--data", data, "--preprocess", "scale=0", says: "cannot be 0"),
    Case("evaluate", mlp, "--data", data, "--preprocess", "photo", says: "'photo'"),
    Case("evaluate", cnn, "--data", data, "--preprocess", "mean=1:2:3", says: "3 values"),
    Case("evaluate", mlp, "--data", data, "--split", "valid", says: "provide one of"),
    Case(
      "evaluate", mlp, "--data", data, "--split", "test", "--keys", "x,y",
      says: "exclude each other"),
    Case(
      "evaluate", mlp, "--data", "fixtures/idx/t10k-images-idx3-ubyte", "--split", "test",
      says: "one part by itself"),
    Case("evaluate", mlp, "--data", "fixtures/idx", "--keys", "x,y", says: "names arrays of .npz"),
    Case("evaluate", mlp, "--data", "fixtures/help", says: "a folder without data"),
    Case(
      "evaluate", mlp, "--data", "fixtures/images", "--preprocess", "crop=9", says: "9 does not fit"
    ),
    Case("evaluate", mlp, "--data", data, "--preprocess", "crop=0", says: "crop=N (1 to 8192)"),
    Case(
      "compress", mlp, "x.sparrow", "--sparsity", "0.5", "--split", "train", says: "--calibration"),
    Case(
      "evaluate", "fixtures/onnx/typed-fields.onnx", "--data", data, says: "shape [8, 8]"),
    Case(
      "evaluate", mlp, "--data", data, "--metric", "cosine", says: "name it with --reference"),
    Case(
      "evaluate", mlp, "--data", data, "--reference", mlp, says: "found --metric top1"),
    Case("evaluate", mlp, "--data", data, "--pool", "mean", says: "--pool is for"),
    Case(
      "evaluate", mlp, "--data", data, "--metric", "cosine", "--reference", mlp, "--pool", "mean",
      says: "attention_mask"),
    Case("new", says: "name an architecture"),
    Case("new", "resnet20", says: "-o FILE"),
    Case("new", "resnet20", "--list", says: "one or the other"),
    Case("new", "renset20", "-o", "x.sparrow", says: "did you mean 'resnet20'"),
    Case("new", "resnet20", "-o", "x.txt", says: "expected .onnx or .sparrow"),
    Case("new", "resnet20", "-o", "x.sparrow", "--classes", "0", says: "0 classes"),
    Case(
      "new", "resnet20", "-o", "x.sparrow", "--input-shape", "3,x", says: "expected whole numbers"),
    Case("new", "resnet20", "-o", "x.sparrow", "--input-shape", "3", says: "channels, height"),
    Case("new", "resnet20", "-o", "x.sparrow", "--width", "nan", says: "a width of nan"),
    Case("new", "resnet20", "-o", "x.sparrow", "--hidden", "8", says: "not one of its settings"),
    Case("new", "vgg16", "-o", "x.sparrow", "--input-shape", "3,32,32", says: "vgg16-cifar"),
    Case("verify", mlp, cnn, says: "cannot be compared"),
    Case("verify", mlp, mlp, "--tolerance=-1", says: "expected 0 or more"),
  ]

  @Test(arguments: cases)
  func isRefused(_ use: Case) throws {
    let folder = try TemporaryFolder()
    let arguments = use.arguments.map { $0 == "x.sparrow" ? folder.path($0) : $0 }
    let outcome = try CommandLineTool.run(arguments)
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains(use.message), "\(outcome.errors)")
    #expect(outcome.output.isEmpty)
    #expect(folder.contents.isEmpty)
  }
}
