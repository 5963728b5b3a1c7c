package io.linkloom.examples.review;

import io.linkloom.reporter.TraceLogger;
import java.awt.Color;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.metadata.IIOMetadataFormatImpl;
import javax.imageio.stream.ImageInputStream;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/** Looks at the pictures that come with the program. They are really decoded, and what goes wrong really does. */
final class StoredPictures implements Pictures {
    private final Model model = new Model();

    /**
     * What stands for a model. It has room for small pictures at first, and dies of a larger one; the one that is started in its place has more
     * room.
     */
    private static final class Model {
        private int[] pixels = new int[2048];

        synchronized float saturation(BufferedImage image) {
            try {
                int count = 0;
                for (int y = 0; y < image.getHeight(); y++) {
                    for (int x = 0; x < image.getWidth(); x++) {
                        pixels[count++] = image.getRGB(x, y);
                    }
                }
                double sum = 0;
                for (int i = 0; i < count; i++) {
                    sum += Color.RGBtoHSB(pixels[i] >> 16 & 255, pixels[i] >> 8 & 255, pixels[i] & 255, null)[1];
                }
                return Math.round(sum / count * 100) / 100f;
            } catch (ArrayIndexOutOfBoundsException e) {
                pixels = new int[Math.multiplyExact(image.getWidth(), image.getHeight())];
                throw e;
            }
        }
    }

    @Override
    public Map<String, Object> audit(String contentId, List<String> pictures) throws IOException {
        float most = 0;
        for (String picture : pictures) {
            try {
                float saturation = model.saturation(read(picture));
                TraceLogger.info("{} looked at, saturation {}", picture, saturation);
                most = Math.max(most, saturation);
            } catch (Unknown e) {
                throw logged(contentId, picture, e);
            } catch (IOException | RuntimeException e) {
                throw logged(contentId, picture, new Failed(picture, e));
            }
        }
        Map<String, Object> verdict = new LinkedHashMap<>();
        verdict.put("looked", pictures.size());
        verdict.put("saturation", most);
        return verdict;
    }

    private static IOException logged(String contentId, String picture, IOException e) {
        TraceLogger.error("picAudit failed, contentId:{} picture:{}", contentId, picture, e);
        return e;
    }

    @Override
    public Map<String, Object> ocr(String contentId, List<String> pictures) throws IOException {
        List<String> texts = new ArrayList<>();
        for (String picture : pictures) {
            texts.addAll(texts(picture));
        }
        TraceLogger.info("{} texts in {} pictures", texts.size(), pictures.size());
        return Map.of("texts", texts);
    }

    private static InputStream open(String picture) throws Unknown {
        InputStream found = StoredPictures.class.getResourceAsStream("/pictures/" + picture);
        if (found == null) {
            throw new Unknown(picture);
        }
        return found;
    }

    private static BufferedImage read(String picture) throws IOException {
        try (InputStream in = open(picture)) {
            BufferedImage image = ImageIO.read(in);
            if (image == null) {
                throw new IOException(picture + " is in no format that is known");
            }
            return image;
        }
    }

    /** The texts a picture carries. */
    private static List<String> texts(String picture) throws IOException {
        ImageReader reader = ImageIO.getImageReadersByFormatName("png").next();
        try (InputStream in = open(picture); ImageInputStream image = ImageIO.createImageInputStream(in)) {
            reader.setInput(image);
            Element tree = (Element) reader.getImageMetadata(0).getAsTree(IIOMetadataFormatImpl.standardMetadataFormatName);
            NodeList entries = tree.getElementsByTagName("TextEntry");
            List<String> texts = new ArrayList<>();
            for (int i = 0; i < entries.getLength(); i++) {
                texts.add(((Element) entries.item(i)).getAttribute("value"));
            }
            return texts;
        } finally {
            reader.dispose();
        }
    }
}
